import { SecureChatError } from '@securechat/protocol'
import type { LockPort } from './lock.js'

/** One writer a store: whoever holds the lock talks to the server, the others wait. */
export interface Lead {
  readonly status: 'idle' | 'waiting' | 'held'
  /** Resolves once this instance leads; many may wait. Rejects `request/aborted`. */
  acquire(signal: AbortSignal): Promise<void>
  release(): void
}

export function createLead({ lock, name, onChange }: { lock: LockPort | undefined; name: string; onChange: () => void }): Lead {
  let status: Lead['status'] = 'idle'
  let release: (() => void) | undefined
  let pending: { readonly promise: Promise<void>; readonly controller: AbortController; waiters: number } | undefined

  const set = (next: Lead['status']): void => {
    if (status === next) return
    status = next
    onChange()
  }
  const begin = (): NonNullable<typeof pending> => {
    const controller = new AbortController()
    const promise = (
      lock ? lock.acquire(name, { signal: controller.signal, onWait: () => controller.signal.aborted || set('waiting') }) : Promise.resolve(() => {})
    ).then(
      (free) => {
        pending = undefined
        if (controller.signal.aborted) {
          free()
          throw new SecureChatError('request/aborted')
        }
        release = free
        set('held')
      },
      (error: unknown) => {
        pending = undefined
        set('idle')
        throw error
      },
    )
    return { promise, controller, waiters: 0 }
  }

  return {
    get status() {
      return status
    },
    async acquire(signal) {
      if (status === 'held') return
      if (signal.aborted) throw new SecureChatError('request/aborted')
      pending ??= begin()
      const waiting = pending
      waiting.waiters++
      await new Promise<void>((resolve, reject) => {
        const leave = (): void => {
          signal.removeEventListener('abort', abort)
          waiting.waiters--
        }
        const abort = (): void => {
          leave()
          // Nobody wants it any more.
          if (waiting.waiters === 0) {
            waiting.controller.abort()
            pending = undefined
            set('idle')
          }
          reject(new SecureChatError('request/aborted'))
        }
        signal.addEventListener('abort', abort)
        waiting.promise.then(
          () => {
            leave()
            resolve()
          },
          (error: unknown) => {
            leave()
            reject(error as Error)
          },
        )
      })
    },
    release() {
      pending?.controller.abort()
      pending = undefined
      release?.()
      release = undefined
      set('idle')
    },
  }
}
