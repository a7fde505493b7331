import { isSecureChatError, SecureChatError } from '@securechat/protocol'
import type { LockPort } from './lock.js'

/** One writer a store: whoever holds the lock talks to the server, the others work through it. */
export interface Lead {
  readonly status: 'idle' | 'waiting' | 'held'
  /** Resolves once this instance leads; many may wait. Rejects `request/aborted`. */
  acquire(signal: AbortSignal): Promise<void>
  /** While waiting: takes the lock from a holder that does not answer. */
  steal(): void
  /** What was stored since shows that another instance leads: as if the lock had been stolen. */
  lose(): void
  release(): void
}

export interface LeadDeps {
  readonly lock: LockPort | undefined
  readonly name: string
  readonly onChange: () => void
  /** It was held and is not any more, without `release`. */
  readonly onLost: () => void
}

interface Pending {
  readonly promise: Promise<void>
  readonly controller: AbortController
  waiters: number
  request(steal: boolean): void
}

export function createLead({ lock, name, onChange, onLost }: LeadDeps): Lead {
  let status: Lead['status'] = 'idle'
  let held: { readonly free: () => void } | undefined
  let pending: Pending | undefined

  const set = (next: Lead['status']): void => {
    if (status === next) return
    status = next
    onChange()
  }
  const lose = (which: typeof held): void => {
    if (!which || held !== which) return
    held = undefined
    set('idle')
    onLost()
  }

  const begin = (): Pending => {
    const controller = new AbortController()
    let settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void }
    const promise = new Promise<void>((resolve, reject) => {
      settle = { resolve, reject }
    })
    // Whoever waits has its own handler; nobody may be left.
    promise.catch(() => {})
    const grant = (free: () => void): typeof held => {
      if (pending !== made || controller.signal.aborted) {
        free()
        return undefined
      }
      pending = undefined
      held = { free }
      // Requests that still wait are not needed any more.
      controller.abort()
      set('held')
      settle.resolve()
      return held
    }
    const fail = (error: unknown): void => {
      if (pending !== made) return
      pending = undefined
      set('idle')
      settle.reject(error)
    }
    const made: Pending = {
      promise,
      controller,
      waiters: 0,
      request(steal) {
        if (!lock) return void grant(() => {})
        let mine: typeof held
        lock
          .acquire(name, {
            signal: controller.signal,
            steal,
            onWait: () => pending === made && set('waiting'),
            onLost: () => lose(mine),
          })
          .then(
            (free) => {
              mine = grant(free)
            },
            (error: unknown) => {
              // A theft that is not possible leaves the first request where it is.
              if (!steal || isSecureChatError(error, 'request/aborted')) fail(error)
            },
          )
      },
    }
    return made
  }
  const giveUp = (): void => {
    const given = pending
    pending = undefined
    given?.controller.abort()
  }

  return {
    get status() {
      return status
    },
    async acquire(signal) {
      if (status === 'held') return
      if (signal.aborted) throw new SecureChatError('request/aborted')
      if (!pending) {
        pending = begin()
        pending.request(false)
      }
      const waiting = pending
      if (!waiting) return
      waiting.waiters++
      await new Promise<void>((resolve, reject) => {
        const leave = (): void => {
          signal.removeEventListener('abort', abort)
          waiting.waiters--
        }
        const abort = (): void => {
          leave()
          // Nobody wants it any more.
          if (waiting.waiters === 0 && pending === waiting) {
            giveUp()
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
    steal() {
      if (status === 'waiting') pending?.request(true)
    },
    lose() {
      const former = held
      lose(former)
      // Where nobody has stolen it, this very tab would wait for itself.
      former?.free()
    },
    release() {
      giveUp()
      held?.free()
      held = undefined
      set('idle')
    },
  }
}
