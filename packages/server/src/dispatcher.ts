import { type Clock, checkAs, OPERATIONS, type OperationInput, type OperationName, type OperationOutput, SecureChatError } from '@securechat/protocol'
import type { PresenceService } from './account/presence.js'
import type { Caller, DeviceCaller } from './caller.js'
import type { RateLimits } from './config.js'
import { countCall, type Metrics } from './ports/metrics.js'
import type { RateLimiter } from './ports/rate-limiter.js'

type Handler<Name extends OperationName> = (
  input: OperationInput<Name>,
  call: { readonly caller: Caller; readonly device: DeviceCaller },
) => Promise<OperationOutput<Name>>
/** One for every operation of the table, none besides. */
export type Handlers = { readonly [Name in OperationName]: Handler<Name> }

export interface Dispatcher {
  /** Auth kind, limit, schema, service: in this order. `input` is what came in, not yet checked. Throws typed errors only. */
  call(name: OperationName, input: unknown, caller: Caller): Promise<unknown>
  /**
   * The limit of one class; throws `request/rate-limited`. `cost`: 1 unless given, and never above the class's burst, so that a large call waits for a full
   * bucket but not for ever.
   */
  charge(name: keyof RateLimits, caller: Caller, cost?: number): void | Promise<void>
}

export function createDispatcher({
  handlers,
  limiter,
  limits,
  presence,
  clock,
  metrics,
}: {
  readonly handlers: Handlers
  readonly limiter: RateLimiter
  readonly limits: RateLimits
  readonly presence: PresenceService
  readonly clock: Clock
  readonly metrics?: Metrics
}): Dispatcher {
  const charge = (name: keyof RateLimits, { device, address }: Caller, cost = 1): void | Promise<void> => {
    const rule = limits[name]
    const refuseAfter = (wait: number): void => {
      if (wait <= 0) return
      metrics?.limited(name)
      throw new SecureChatError('request/rate-limited', { retryAfterSeconds: wait })
    }
    const wait = limiter.take(`${name}:${device ? device.accountId : address}`, rule, Math.min(cost, Math.max(1, rule.burst)))
    return typeof wait === 'number' ? refuseAfter(wait) : wait.then(refuseAfter)
  }
  const call: Dispatcher['call'] = async (name, input, caller) => {
    const { auth, limit, input: schema } = OPERATIONS[name]
    if (auth === 'device' && !caller.device) throw new SecureChatError('auth/required')
    if (auth === 'registration' && caller.registrationToken === undefined) throw new SecureChatError('auth/required', { detail: 'registration token' })
    await charge(limit, caller)
    if (caller.device) presence.note(caller.device)
    const checked = checkAs(schema, input)
    const handler = handlers[name] as (input: unknown, call: { caller: Caller; device: DeviceCaller | undefined }) => Promise<unknown>
    return handler(checked, { caller, device: auth === 'device' ? caller.device : undefined })
  }
  const counted = { clock, ...(metrics && { metrics }) }
  return { charge, call: (name, input, caller) => countCall(counted, name, call(name, input, caller)) }
}
