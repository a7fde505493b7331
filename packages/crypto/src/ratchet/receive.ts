import { equalPublicBytes, LIMITS, SecureChatError, type Timestamp } from '@securechat/protocol/core'
import { secretToReceive, turned } from '../pq/mix.js'
import { nextEpoch } from '../pq/state.js'
import type { CryptoProvider } from '../primitives/provider.js'
import type { Secret } from '../secret.js'
import { chainStep, rootStep } from './chain.js'
import { indexOfSkipped, limitSkipped, withoutSkipped } from './skipped.js'
import type { RatchetState, ReceiveChain, SkippedKey } from './state.js'

export interface ReceiveInput<Result> {
  readonly ratchetKey: Uint8Array
  readonly previousChainLength: number
  readonly counter: number
  /** As the header says; 0 where it has none. */
  readonly pqEpoch: number
  readonly now: Timestamp
  /** Authenticates and decrypts; throws where the key does not fit. Until it has returned no state is believed. */
  readonly open: (messageKey: Secret) => Result
}
export interface ReceiveStep<Result> {
  readonly state: RatchetState
  readonly result: Result
}

type Provider = Pick<CryptoProvider, 'blake2b' | 'x25519'>

interface Advanced {
  readonly chain: ReceiveChain
  readonly messageKey: Secret
}

const tooFar = (): never => {
  throw new SecureChatError('crypto/limit-exceeded', { detail: 'counter' })
}

/** Walks `chain` up to `counter`, keeping the keys in between. */
function advance(provider: Provider, chain: ReceiveChain & { readonly chainKey: Secret }, to: { counter: number; now: Timestamp }): Advanced {
  if (to.counter - chain.next > LIMITS.ratchetJump) tooFar()
  let step = chainStep(provider, chain.chainKey)
  let { skipped } = chain
  if (to.counter > chain.next) {
    const kept = skipped.slice()
    for (let counter = chain.next; counter < to.counter; counter++) {
      kept.push({ counter, messageKey: step.messageKey, storedAt: to.now })
      step = chainStep(provider, step.chainKey)
    }
    skipped = kept
  }
  const { ratchetKey, pqEpoch } = chain
  return { chain: { ratchetKey, pqEpoch, chainKey: step.chainKey, next: to.counter + 1, skipped }, messageKey: step.messageKey }
}

/** The peer has moved on after `length` messages: the keys still missing are kept, the chain key is not. */
function close(provider: Provider, chain: ReceiveChain, { length, now }: { length: number; now: Timestamp }): ReceiveChain {
  if (!chain.chainKey || length <= chain.next) return { ...chain, chainKey: null }
  const { chain: advanced, messageKey } = advance(provider, chain as ReceiveChain & { readonly chainKey: Secret }, { counter: length - 1, now })
  return { ...advanced, chainKey: null, skipped: [...advanced.skipped, { counter: length - 1, messageKey, storedAt: now }] }
}

function fromKnownChain<Result>(provider: Provider, state: RatchetState, at: number, input: ReceiveInput<Result>): ReceiveStep<Result> {
  const chain = state.receive[at] as ReceiveChain
  if (input.pqEpoch !== chain.pqEpoch) throw new SecureChatError('crypto/authentication-failed', { detail: 'post-quantum epoch' })
  const replace = (changed: ReceiveChain): RatchetState => {
    const { th, rootKey, pq, own, remote, send, previousChainLength } = state
    const receive = state.receive.slice()
    receive[at] = changed
    // Field by field, as in `sendStep`.
    return { th, rootKey, pq, own, remote, send, previousChainLength, receive: limitSkipped(receive, input.now) }
  }
  if (input.counter < chain.next) {
    const index = indexOfSkipped(chain.skipped, input.counter)
    if (index < 0) throw new SecureChatError('crypto/duplicate-message')
    const result = input.open((chain.skipped[index] as SkippedKey).messageKey)
    return { state: replace({ ...chain, skipped: withoutSkipped(chain.skipped, index) }), result }
  }
  // The peer said how long this chain was: nothing can follow.
  if (!chain.chainKey) throw new SecureChatError('crypto/authentication-failed', { detail: 'closed chain' })
  const { chain: advanced, messageKey } = advance(provider, chain as ReceiveChain & { readonly chainKey: Secret }, input)
  const result = input.open(messageKey)
  return { state: replace(advanced), result }
}

function fromNewChain<Result>(provider: Provider, state: RatchetState, input: ReceiveInput<Result>): ReceiveStep<Result> {
  const { ratchetKey, previousChainLength, counter, now } = input
  const current = state.receive[0]
  // Only an answer to a key of ours can bring a new one, and without a chain the peer cannot have had one before.
  if (!state.own || (!current && previousChainLength !== 0)) throw new SecureChatError('crypto/authentication-failed', { detail: 'ratchet key' })
  if (current && previousChainLength < current.next) throw new SecureChatError('crypto/authentication-failed', { detail: 'previous chain' })
  if (current && previousChainLength - current.next > LIMITS.ratchetJump) tooFar()
  if (counter > LIMITS.ratchetJump) tooFar()
  const mixed = secretToReceive(state.pq, input.pqEpoch)
  const { rootKey, chainKey } = rootStep(provider, state, { dh: provider.x25519(state.own.secretKey.expose(), ratchetKey), mixed })
  const fresh = { ratchetKey: ratchetKey.slice(), pqEpoch: input.pqEpoch, chainKey, next: 0, skipped: [] }
  const { chain, messageKey } = advance(provider, fresh, input)
  const result = input.open(messageKey)
  const closed = current ? [close(provider, current, { length: previousChainLength, now }), ...state.receive.slice(1)] : []
  return {
    state: {
      ...state,
      rootKey,
      pq: mixed ? nextEpoch(state.pq, now) : turned(state.pq, { sent: state.send?.next ?? 0, received: previousChainLength }),
      own: null,
      remote: chain.ratchetKey,
      send: null,
      previousChainLength: state.send?.next ?? state.previousChainLength,
      receive: limitSkipped([chain, ...closed].slice(0, LIMITS.receiveChains), now),
    },
    result,
  }
}

/**
 * One received message. Throws `crypto/duplicate-message`, `crypto/limit-exceeded`, `crypto/authentication-failed`,
 * `crypto/invalid-key` or what `open` throws; `state` is untouched then.
 */
export function receiveStep<Result>(provider: Provider, state: RatchetState, input: ReceiveInput<Result>): ReceiveStep<Result> {
  const known = state.receive.findIndex(({ ratchetKey }) => equalPublicBytes(ratchetKey, input.ratchetKey))
  return known >= 0 ? fromKnownChain(provider, state, known, input) : fromNewChain(provider, state, input)
}
