const CHANNEL = 'securechat.lock'

/** Forgets the keys in every tab: a page that is loaded anew has none and asks. */
export function lockNow(): void {
  new BroadcastChannel(CHANNEL).postMessage('lock')
  location.reload()
}

/** For each tab once, at its start. */
export function obeyLocks(): void {
  new BroadcastChannel(CHANNEL).addEventListener('message', () => location.reload())
}
