import { asSecureChatError, type OperationOutput, SecureChatError, type Timestamp } from '@securechat/protocol'
import type { Context } from '../../context.js'
import { sleep, throwIfAborted } from '../../waiting.js'

export type Meeting = OperationOutput<'links.read'>

/** Milliseconds between two looks; a person stands before each screen. */
const LOOK_MS = 1_000

export interface LookInput<Part> {
  readonly linkId: string
  readonly until: Timestamp
  readonly part: (meeting: Meeting) => Part | undefined
  readonly signal: AbortSignal
}

/** Waits until the other device has put `part` there. A broken network is waited for, too. Throws `devices/link-expired`, `request/aborted`. */
export async function untilThere<Part>({ network, clock }: Context, { linkId, until, part, signal }: LookInput<Part>): Promise<Part> {
  for (;;) {
    throwIfAborted(signal)
    if (clock.now() > until) throw new SecureChatError('devices/link-expired')
    try {
      const found = part(await network.call('links.read', { linkId }, { signal }))
      if (found !== undefined) return found
    } catch (error) {
      throwIfAborted(signal)
      if (asSecureChatError(error, 'server/internal').retry !== 'later') throw error
    }
    await sleep(clock, LOOK_MS, signal)
  }
}

/** Aborts with the caller's signal, or when the person gives up. */
export function joined(own: AbortController, signal: AbortSignal | undefined): AbortSignal {
  return signal ? AbortSignal.any([own.signal, signal]) : own.signal
}
