import { SecureChatError } from '@securechat/protocol/core'
import { chunkCount } from './chunk.js'
import { PQ_PARAMETERS } from './parameters.js'
import type { EpochSecret, PqState } from './state.js'

/** ss of the next epoch for a sending DH step, which marks its chain then; null where there is none to mix. */
export const secretToSend = ({ phase }: PqState): EpochSecret | null => (phase.kind === 'ready' ? phase : null)

/**
 * ss for a receiving DH step whose chain is marked with `epoch` (0: it is not). Only the epoch after the last one, and only with ss at
 * hand; before any Diffie-Hellman. Throws `crypto/authentication-failed`.
 */
export function secretToReceive({ phase, epoch }: PqState, marked: number): EpochSecret | null {
  if (marked === 0) return null
  if (marked !== epoch + 1 || phase.kind !== 'answering') throw new SecureChatError('crypto/authentication-failed', { detail: 'post-quantum epoch' })
  return phase
}

const OBJECT_CHUNKS = chunkCount('ek', PQ_PARAMETERS)
const COUNTER_MAX = 0xffffffff

/** After a receiving DH step without a secret: `sent` and `received` are the lengths of the two chains that end with it. */
export const turned = (state: PqState, { sent, received }: { readonly sent: number; readonly received: number }): PqState => ({
  ...state,
  sends: Math.min(state.sends + sent, COUNTER_MAX),
  exchanged: Math.min(state.exchanged + Math.min(sent, received, OBJECT_CHUNKS), COUNTER_MAX),
})
