import { SecureChatError } from '@securechat/protocol'

/** Mutual exclusion between everybody who has the same store open: tabs, windows, workers. */
export interface LockPort {
  /**
   * Waits until the name is free; `onWait` is called if it is not free at once. Rejects `request/aborted` when `signal` aborts first. Held
   * until `release` or the death of its holder.
   */
  acquire(name: string, options: { readonly signal: AbortSignal; readonly onWait: () => void }): Promise<() => void>
}

interface LockManagerLike {
  request(name: string, options: { signal: AbortSignal } | { ifAvailable: true }, held: (lock: unknown) => Promise<void> | undefined): Promise<void>
}

/** Web Locks; undefined where the platform has none. */
export function webLocks(): LockPort | undefined {
  const locks = (globalThis as { navigator?: { locks?: LockManagerLike } }).navigator?.locks
  if (!locks) return undefined
  return {
    acquire: (name, { signal, onWait }) =>
      new Promise((resolve, reject) => {
        const hold = (): Promise<void> => new Promise<void>((release) => resolve(() => release()))
        const fail = (cause: unknown): void => reject(new SecureChatError(signal.aborted ? 'request/aborted' : 'storage/locked', { cause }))
        const wait = (): void => {
          onWait()
          locks.request(name, { signal }, hold).catch(fail)
        }
        // Asked without waiting first: a lock that is free must not look like another tab.
        let free = true
        const ask = locks.request(name, { ifAvailable: true }, (lock) => {
          if (lock && !signal.aborted) return hold()
          free = false
          return undefined
        })
        ask.then(() => {
          if (!free) wait()
        }, fail)
      }),
  }
}
