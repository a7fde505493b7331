/** Commits are told to the other instances on the same origin: tabs, workers, and a second one in this page. */
export interface TabChannel {
  announce(keys: readonly string[]): void
  close(): void
}

/** Above this many keys only "something" is told. */
const MOST_KEYS = 1_000

/** undefined where there is no BroadcastChannel: then only this instance's commits are seen. */
export function openTabChannel(name: string, onCommit: (keys: readonly string[] | undefined) => void): TabChannel | undefined {
  if (typeof BroadcastChannel === 'undefined') return undefined
  const channel = new BroadcastChannel(name)
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    // Another version of this code may run in the other tab: whatever it says, something has changed.
    onCommit(Array.isArray(data) && data.every((key) => typeof key === 'string') ? data : undefined)
  }
  return {
    announce: (keys) => channel.postMessage(keys.length > MOST_KEYS ? null : keys),
    close: () => channel.close(),
  }
}
