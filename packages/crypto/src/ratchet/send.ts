import { SecureChatError } from '@securechat/protocol'
import type { CryptoDeps } from '../deps.js'
import { generateAgreementKeys } from '../identity/keys.js'
import type { Secret } from '../secret.js'
import { chainStep, rootStep } from './chain.js'
import type { RatchetState } from './state.js'

export interface SendStep {
  readonly state: RatchetState
  readonly ratchetKey: Uint8Array
  readonly previousChainLength: number
  readonly counter: number
  readonly messageKey: Secret
}

/**
 * The DH turn is made here, at the first message after the peer's, and not at reception: so the key is as fresh as it can be,
 * and reception needs no randomness. Throws `crypto/no-session` for a responder that has received nothing.
 */
function turn(deps: Pick<CryptoDeps, 'provider' | 'random'>, state: RatchetState): RatchetState {
  if (!state.remote) throw new SecureChatError('crypto/no-session', { detail: 'nothing was received yet' })
  const own = generateAgreementKeys(deps)
  const step = rootStep(deps.provider, state, deps.provider.x25519(own.secretKey.expose(), state.remote))
  return { ...state, rootKey: step.rootKey, own, send: { chainKey: step.chainKey, next: 0 } }
}

export function sendStep(deps: Pick<CryptoDeps, 'provider' | 'random'>, before: RatchetState): SendStep {
  const state = before.send && before.own ? before : turn(deps, before)
  const { send, own } = state
  if (!send || !own || send.next > 0xffffffff) throw new SecureChatError('crypto/limit-exceeded', { detail: 'send chain' })
  const { messageKey, chainKey } = chainStep(deps.provider, send.chainKey)
  return {
    state: { ...state, send: { chainKey, next: send.next + 1 } },
    ratchetKey: own.publicKey,
    previousChainLength: state.previousChainLength,
    counter: send.next,
    messageKey,
  }
}
