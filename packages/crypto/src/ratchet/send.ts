import { SecureChatError } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { generateAgreementKeys, type KeyPair } from '../identity/keys.js'
import { secretToSend } from '../pq/mix.js'
import { PQ_PARAMETERS, type PqParameters } from '../pq/parameters.js'
import { nextChunk } from '../pq/send.js'
import { nextEpoch } from '../pq/state.js'
import type { Secret } from '../secret.js'
import { chainStep, rootStep } from './chain.js'
import type { RatchetState, SendChain } from './state.js'

export interface SendStep {
  readonly state: RatchetState
  readonly ratchetKey: Uint8Array
  readonly previousChainLength: number
  readonly counter: number
  /** For the header; 0 where the chain is not marked. */
  readonly pqEpoch: number
  readonly messageKey: Secret
  /** Of the post-quantum ratchet; goes inside the encryption. */
  readonly chunk: Uint8Array | null
}

/** A state that can send. */
type Sending = RatchetState & { readonly own: KeyPair; readonly send: SendChain }
const canSend = (state: RatchetState): state is Sending => state.send !== null && state.own !== null

/**
 * The DH turn is made here, at the first message after the peer's, and not at reception: so the key is as fresh as it can be,
 * and reception needs no randomness. A post-quantum secret that is ready is mixed in with it. Throws `crypto/no-session` for a responder that has received nothing.
 */
function turn(deps: CryptoDeps, state: RatchetState): Sending {
  if (!state.remote) throw new SecureChatError('crypto/no-session', { detail: 'nothing was received yet' })
  const own = generateAgreementKeys(deps)
  const mixed = secretToSend(state.pq)
  const { rootKey, chainKey } = rootStep(deps.provider, state, { dh: deps.provider.x25519(own.secretKey.expose(), state.remote), mixed })
  const pq = mixed ? nextEpoch(state.pq, deps.now) : state.pq
  return { ...state, rootKey, pq, own, send: { chainKey, pqEpoch: mixed ? pq.epoch : 0, next: 0 } }
}

export function sendStep(deps: CryptoDeps, before: RatchetState, parameters: PqParameters = PQ_PARAMETERS): SendStep {
  const state = canSend(before) ? before : turn(deps, before)
  const { send, own } = state
  if (send.next > 0xffffffff) throw new SecureChatError('crypto/limit-exceeded', { detail: 'send chain' })
  const { messageKey, chainKey } = chainStep(deps.provider, send.chainKey)
  const chunked = nextChunk(deps, state, parameters)
  // Field by field and not by spreading, which takes 1 µs where objects of several origins come by.
  const { th, rootKey, remote, previousChainLength, receive } = state
  const next: SendChain = { chainKey, pqEpoch: send.pqEpoch, next: send.next + 1 }
  return {
    state: { th, rootKey, pq: chunked ? chunked.pq : state.pq, own, remote, send: next, previousChainLength, receive },
    ratchetKey: own.publicKey,
    previousChainLength,
    counter: send.next,
    pqEpoch: send.pqEpoch,
    messageKey,
    chunk: chunked?.chunk ?? null,
  }
}
