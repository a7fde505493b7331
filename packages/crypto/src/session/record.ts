import { equalPublicBytes, SecureChatError, type Timestamp } from '@securechat/protocol/core'
import type { RemoteDevice } from '../identity/devices.js'
import type { RatchetState } from '../ratchet/state.js'

export interface Session {
  readonly role: 'initiator' | 'responder'
  readonly generation: number
  /** EK_A, by which a repeated first message is recognised. */
  readonly ephemeralKey: Uint8Array
  /** Handshake bytes that go with every message until the peer has answered; null afterwards and for a responder. */
  readonly handshake: Uint8Array | null
  /** A message of the peer was decrypted on it. */
  readonly acknowledged: boolean
  readonly createdAt: Timestamp
  /** Since when it only receives, or when it last received since then; 0 while it is preferred. */
  readonly supersededAt: Timestamp
  /** Messages received since the last one sent, and when the first of them came (0: none). */
  readonly receivedSinceSend: number
  readonly unansweredSince: Timestamp
  readonly ratchet: RatchetState
}

/** What a message changes in a session besides its ratchet. */
export type SessionProgress = Pick<Session, 'ratchet' | 'handshake' | 'acknowledged' | 'receivedSinceSend' | 'unansweredSince'>

/** Field by field and not by spreading, which takes 1 µs where objects of several origins come by. */
export function sessionAfter(
  { role, generation, ephemeralKey, createdAt, supersededAt }: Session,
  { ratchet, handshake, acknowledged, receivedSinceSend, unansweredSince }: SessionProgress,
): Session {
  return { role, acknowledged, generation, ephemeralKey, handshake, createdAt, supersededAt, receivedSinceSend, unansweredSince, ratchet }
}

/** A first message without a one-time key could come again as long as its prekeys live. */
export interface SeenHandshake {
  readonly signedPreKeyId: number
  readonly kemKeyId: number
  readonly ephemeralKey: Uint8Array
}

/** Handshakes without a one-time key remembered per pair of devices; only the peer itself could fill it. */
export const SEEN_HANDSHAKES = 256

/** All sessions with one device. Immutable; `encodeSession` gives its bytes. */
export interface SessionRecord {
  readonly peer: PeerKeys
  /**
   * One above the highest generation that any session with this device ever had, erased ones included; 0 where there was none. So a new
   * session is preferred by the peer to every older one that it may still hold.
   */
  readonly nextGeneration: number
  /** At most `LIMITS.sessionsPerPair`. */
  readonly sessions: readonly Session[]
  /** At most `SEEN_HANDSHAKES`. */
  readonly seen: readonly SeenHandshake[]
}

export interface PeerKeys {
  readonly accountKey: Uint8Array
  readonly signingKey: Uint8Array
  readonly identityKey: Uint8Array
}

export const peerKeys = ({ accountKey, signingKey, identityKey }: RemoteDevice): PeerKeys => ({ accountKey, signingKey, identityKey })

/**
 * The record for `remote`, or a new empty one. A record of other keys is never used: the contact's identity has changed, and only
 * the user may accept that (by dropping the record). Throws `devices/identity-changed`.
 */
export function recordFor(record: SessionRecord | null, remote: RemoteDevice): SessionRecord {
  if (!record) return { peer: peerKeys(remote), nextGeneration: 0, sessions: [], seen: [] }
  const { accountKey, signingKey, identityKey } = record.peer
  if (
    !equalPublicBytes(accountKey, remote.accountKey) ||
    !equalPublicBytes(signingKey, remote.signingKey) ||
    !equalPublicBytes(identityKey, remote.identityKey)
  ) {
    throw new SecureChatError('devices/identity-changed', { detail: 'session record' })
  }
  return record
}

/**
 * After a rollback or clone of the store. Keeps the memory of seen handshakes, so that no old first message can come back, and the
 * generation, so that the next session replaces those that the peer still has.
 */
export const dropSessions = (record: SessionRecord): SessionRecord => ({ ...record, sessions: [] })
