import type { Timestamp } from '@securechat/protocol/core'
import type { Secret } from '../secret.js'

/** What came so far of an object that is sent in chunks. */
export interface Collection {
  /** First bytes of the hash that names the object; the same in every chunk of it. */
  readonly tag: Uint8Array
  /** Bit i: chunk i is there. */
  readonly have: number
  /** As long as the whole object. */
  readonly bytes: Uint8Array
}

/** ss and h of an epoch: what is mixed into the root key. */
export interface EpochSecret {
  readonly secret: Secret
  /** h = BLAKE2b-512 T("SC1/pq", th, u32 e, ek, ct). */
  readonly h: Uint8Array
}

/**
 * Where the next epoch stands. `offering` and `ready` belong to its key sender, `collecting`, `asked` and `answering` to the other side, `idle` to
 * both (docs/protocol/07-post-quantum-ratchet.md, "States").
 */
export type PqPhase =
  | { readonly kind: 'idle' }
  /** Sends ek, until the first chunk of the answer shows that it has arrived. `next` is the chunk to send next. */
  | {
      readonly kind: 'offering'
      readonly seed: Secret
      readonly ek: Uint8Array
      readonly tag: Uint8Array
      readonly next: number
      readonly answer: Collection | null
    }
  /** Has ss, and mixes it in at its next sending DH step. dk is gone. */
  | ({ readonly kind: 'ready' } & EpochSecret)
  | { readonly kind: 'collecting'; readonly question: Collection }
  /** Has the whole ek, and encapsulates when it sends next: reception needs no randomness. */
  | { readonly kind: 'asked'; readonly ek: Uint8Array }
  /** Sends ct until a chain marked with the epoch arrives, which is mixed with ss. */
  | ({ readonly kind: 'answering'; readonly ct: Uint8Array; readonly next: number } & EpochSecret)

/** The post-quantum ratchet of one session, immutable. It knows no storage, no identity and no other session. */
export interface PqState {
  /** Initiator of the session: with the parity of the epoch it says who sends the key. */
  readonly initiator: boolean
  /** The last epoch that was mixed into the root key; 0 before the first. */
  readonly epoch: number
  /** When that was; the session's beginning before the first. */
  readonly since: Timestamp
  /** Own messages since then, without those of the current sending chain. */
  readonly sends: number
  /** Chunks that could have gone both ways since then: for each exchange the shorter of both chains, at most an object's chunks. */
  readonly exchanged: number
  readonly phase: PqPhase
}

const IDLE: PqPhase = { kind: 'idle' }

export const startPq = ({ initiator, since }: { readonly initiator: boolean; readonly since: Timestamp }): PqState => ({
  initiator,
  epoch: 0,
  since,
  sends: 0,
  exchanged: 0,
  phase: IDLE,
})

/** The initiator sends the key of odd epochs, the responder of even ones: two epochs never begin at once. */
export const sendsKey = ({ initiator, epoch }: Pick<PqState, 'initiator' | 'epoch'>): boolean => initiator === (epoch % 2 === 0)

/** After mixing: ss, ct, ek and the rest of the epoch are not in the new state any more. */
export const nextEpoch = ({ initiator, epoch }: PqState, now: Timestamp): PqState => ({
  initiator,
  epoch: epoch + 1,
  since: now,
  sends: 0,
  exchanged: 0,
  phase: IDLE,
})

export const withPhase = (state: PqState, phase: PqPhase): PqState => ({ ...state, phase })
export const idle = (state: PqState): PqState => withPhase(state, IDLE)
