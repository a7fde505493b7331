import type { Timestamp } from '@securechat/protocol/core'
import type { KeyPair } from '../identity/keys.js'
import type { PqState } from '../pq/state.js'
import type { Secret } from '../secret.js'

/** Message key of a message that has not come yet. */
export interface SkippedKey {
  readonly counter: number
  readonly messageKey: Secret
  readonly storedAt: Timestamp
}

export interface ReceiveChain {
  /** The peer's ratchet key that this chain belongs to. */
  readonly ratchetKey: Uint8Array
  /** The epoch that was mixed into the root for this chain, which all its headers carry; 0: none was. */
  readonly pqEpoch: number
  /** Null once the peer has moved on: only the skipped keys are left. */
  readonly chainKey: Secret | null
  /** Counter of the next message. */
  readonly next: number
  /** Ascending by counter. */
  readonly skipped: readonly SkippedKey[]
}

export interface SendChain {
  readonly chainKey: Secret
  /** As in a receive chain. */
  readonly pqEpoch: number
  readonly next: number
}

/**
 * Double Ratchet (Signal revision 4) with a post-quantum ratchet, without header encryption, immutable: a step gives a new state and the old one stays
 * valid, so that throwing means nothing has changed. It knows no storage and no identities.
 */
export interface RatchetState {
  /** Transcript hash of the session; binds the root chain to it. */
  readonly th: Uint8Array
  readonly rootKey: Secret
  readonly pq: PqState
  /** Our ratchet pair; null from the peer's answer to it until our next message makes a new one. */
  readonly own: KeyPair | null
  /** The peer's newest ratchet key; null for a responder before the first message. */
  readonly remote: Uint8Array | null
  readonly send: SendChain | null
  readonly previousChainLength: number
  /** Newest first, at most `LIMITS.receiveChains`. */
  readonly receive: readonly ReceiveChain[]
}
