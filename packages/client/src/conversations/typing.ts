import type { AccountId, Clock } from '@securechat/protocol'

/** Who is typing: kept in memory only, ends by itself. */
export interface Typing {
  set(peer: AccountId, active: boolean): void
  is(peer: AccountId): boolean
  subscribe(listener: (peer: AccountId) => void): () => void
  stop(): void
}

const EXPIRES_MS = 10_000

export function createTyping(clock: Clock): Typing {
  const active = new Map<AccountId, () => void>()
  const listeners = new Set<(peer: AccountId) => void>()
  const tell = (peer: AccountId): void => {
    for (const listener of [...listeners]) listener(peer)
  }
  const end = (peer: AccountId): void => {
    active.get(peer)?.()
    if (active.delete(peer)) tell(peer)
  }
  return {
    set(peer, now) {
      if (!now) return end(peer)
      const before = active.get(peer)
      before?.()
      active.set(
        peer,
        clock.after(EXPIRES_MS, () => end(peer)),
      )
      if (!before) tell(peer)
    },
    is: (peer) => active.has(peer),
    subscribe(listener) {
      const entry = (peer: AccountId): void => listener(peer)
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    stop() {
      for (const peer of [...active.keys()]) end(peer)
    },
  }
}
