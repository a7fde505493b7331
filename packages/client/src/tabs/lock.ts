import { SecureChatError } from '@securechat/protocol'

/** Mutual exclusion between everybody who has the same store open: tabs, windows, workers. */
export interface LockPort {
  /** Waits until the name is free. Rejects `request/aborted` when `signal` aborts first. Held until `release` or the death of its holder. */
  acquire(name: string, options: { readonly signal: AbortSignal }): Promise<() => void>
}

interface LockManagerLike {
  request(name: string, options: { signal: AbortSignal }, held: () => Promise<void>): Promise<void>
}

/** Web Locks; undefined where the platform has none. */
export function webLocks(): LockPort | undefined {
  const locks = (globalThis as { navigator?: { locks?: LockManagerLike } }).navigator?.locks
  if (!locks) return undefined
  return {
    acquire: (name, { signal }) =>
      new Promise((resolve, reject) => {
        locks
          .request(name, { signal }, () => new Promise<void>((release) => resolve(() => release())))
          .catch((cause: unknown) => reject(new SecureChatError(signal.aborted ? 'request/aborted' : 'storage/locked', { cause })))
      }),
  }
}
