import { SecureChatError } from '@securechat/protocol'

export interface LockRequest {
  readonly signal: AbortSignal
  /** The name is not free at once. */
  readonly onWait: () => void
  /** Somebody has stolen it after it was given. */
  readonly onLost?: () => void
  /** Take it from whoever holds it: a frozen tab keeps its lock for ever. */
  readonly steal?: boolean
}

/** Mutual exclusion between everybody who has the same store open: tabs, windows, workers. */
export interface LockPort {
  /** Waits until the name is free. Rejects `request/aborted` when `signal` aborts first. Held until `release`, the death of its holder, or a theft. */
  acquire(name: string, request: LockRequest): Promise<() => void>
}

interface LockManagerLike {
  request(
    name: string,
    options: { signal: AbortSignal } | { ifAvailable: true } | { steal: true },
    held: (lock: unknown) => Promise<void> | undefined,
  ): Promise<void>
}

/** Web Locks; undefined where the platform has none. */
export function webLocks(): LockPort | undefined {
  const locks = (globalThis as { navigator?: { locks?: LockManagerLike } }).navigator?.locks
  if (!locks) return undefined
  return {
    acquire: (name, { signal, onWait, onLost, steal = false }) =>
      new Promise((resolve, reject) => {
        let given = false
        const hold = (): Promise<void> =>
          new Promise<void>((release) => {
            given = true
            resolve(() => release())
          })
        // A request that was given ends with an error only when the lock was stolen.
        const fail = (cause: unknown): void =>
          given ? onLost?.() : reject(new SecureChatError(signal.aborted ? 'request/aborted' : 'storage/locked', { cause }))
        if (steal) return void locks.request(name, { steal: true }, hold).catch(fail)
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
