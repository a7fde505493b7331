import {
  beginsWithPublicBytes,
  type Envelope,
  equalPublicBytes,
  type HandshakeHeader,
  KEM_KEY_TYPES,
  type KnownEnvelope,
  parseEnvelope,
  SecureChatError,
} from '@securechat/protocol/core'
import { openCommitting } from '../aead/committing.js'
import type { CryptoDeps } from '../deps.js'
import { accept, type PreKeyLookup, requireSameManifests } from '../handshake/accept.js'
import type { LocalDevice, RemoteDevice } from '../identity/devices.js'
import { PQ_PARAMETERS } from '../pq/parameters.js'
import { takeChunk } from '../pq/receive.js'
import { isStalled } from '../pq/status.js'
import { receiveStep } from '../ratchet/receive.js'
import { startResponder } from '../ratchet/start.js'
import { associatedData } from './associated-data.js'
import { expire, withSession } from './choice.js'
import { decodePlaintext, type ManifestEcho, type Plaintext } from './plaintext.js'
import { recordFor, SEEN_HANDSHAKES, type Session, type SessionRecord, sessionAfter } from './record.js'
import { type PairwiseSender, pairwiseSender } from './sender.js'

export interface DecryptInput {
  readonly record: SessionRecord | null
  readonly local: LocalDevice
  /** From the sender's verified manifest, at least as new as the one that the first message names. */
  readonly remote: RemoteDevice
  readonly envelope: Uint8Array
  /** The keys that `requiredPreKeys` names, as far as they exist; not needed where it names none. */
  readonly preKeys?: PreKeyLookup
}

export interface DecryptResult {
  /** Commit it together with the plaintext and the deletion of what was consumed, THEN acknowledge. */
  readonly record: SessionRecord
  readonly plaintext: Plaintext
  /** Who it is authenticated to come from: what sender keys of groups are accepted with, and nothing else. */
  readonly sender: PairwiseSender
  readonly consumed: { readonly oneTimePreKeyId?: number }
  /** The message has brought a new session. */
  readonly created: boolean
  /** Both manifests as the sender knows them; judge them with `compareManifestRef`. */
  readonly echo: ManifestEcho
  /** No post-quantum epoch for 14 days although both sides wrote: worth a warning. */
  readonly pqStalled: boolean
  /** The franking commitment of the header (a view into the envelope), to be checked against `common`; null where there was none. */
  readonly franking: Uint8Array | null
  /** Set where `common` is the reference to a shared body of this id, and not the content (a view into the envelope). */
  readonly sharedBodyId: Uint8Array | null
}

interface Target {
  readonly session: Session
  /** Set when the message brings a new session. */
  readonly handshake: HandshakeHeader | null
}

function newSession(deps: Pick<CryptoDeps, 'provider' | 'now'>, record: SessionRecord, input: DecryptInput & { readonly header: HandshakeHeader }): Session {
  const { local, remote, header, preKeys = {} } = input
  const repeated = record.seen.some(
    (seen) => seen.signedPreKeyId === header.signedPreKeyId && seen.kemKeyId === header.kemKeyId && equalPublicBytes(seen.ephemeralKey, header.ephemeralKey),
  )
  if (repeated) throw new SecureChatError('crypto/replayed-handshake')
  if (header.kemKeyType === KEM_KEY_TYPES.lastResort && record.seen.length >= SEEN_HANDSHAKES)
    throw new SecureChatError('crypto/limit-exceeded', { detail: 'handshakes' })
  const { th, rootKey, signedPreKey } = accept(deps.provider, { local, remote, header, preKeys })
  return {
    role: 'responder',
    generation: header.generation,
    ephemeralKey: header.ephemeralKey.slice(),
    handshake: null,
    acknowledged: true,
    createdAt: deps.now,
    supersededAt: 0,
    receivedSinceSend: 0,
    unansweredSince: 0,
    ratchet: startResponder(deps.now, { th, rootKey, signedPreKey }),
  }
}

const hasTag = ({ ratchet: { th } }: Session, tag: Uint8Array): boolean => beginsWithPublicBytes(th, tag)

interface Search {
  /** Of `input`, without what has expired. */
  readonly record: SessionRecord
  readonly input: DecryptInput
  readonly parsed: KnownEnvelope
}

function findTarget(deps: Pick<CryptoDeps, 'provider' | 'now'>, { record, input, parsed }: Search): Target {
  const { sessionTag } = parsed.ratchet
  const { handshake } = parsed
  if (!handshake) {
    const session = record.sessions.find((candidate) => hasTag(candidate, sessionTag))
    if (!session) throw new SecureChatError('crypto/no-session')
    return { session, handshake: null }
  }
  const known = record.sessions.find(({ role, ephemeralKey }) => role === 'responder' && equalPublicBytes(ephemeralKey, handshake.ephemeralKey))
  const session = known ?? newSession(deps, record, { ...input, header: handshake })
  if (!hasTag(session, sessionTag)) throw new SecureChatError('crypto/authentication-failed', { detail: 'handshake' })
  return { session, handshake: known ? null : handshake }
}

function known(envelope: Envelope): KnownEnvelope {
  if (envelope.kind === 'unknown') throw new SecureChatError('protocol/unsupported-version', { detail: `envelope ${envelope.reason}` })
  return envelope
}

function remember(record: SessionRecord, handshake: HandshakeHeader | null): SessionRecord {
  if (handshake?.kemKeyType !== KEM_KEY_TYPES.lastResort) return record
  const { signedPreKeyId, kemKeyId, ephemeralKey } = handshake
  return { ...record, seen: [...record.seen, { signedPreKeyId, kemKeyId, ephemeralKey: ephemeralKey.slice() }] }
}

/**
 * One received envelope. Pure: on a throw nothing has changed. The codes that a caller acts on:
 * `crypto/duplicate-message` and `crypto/replayed-handshake` (had before: acknowledge and drop), `crypto/no-session` and
 * `crypto/unknown-prekey` (lost state: heal), `devices/stale-manifest` (fetch manifests, try again), `devices/manifest-fork`,
 * `devices/identity-changed`, `protocol/unsupported-version` (keep the bytes for an update), `crypto/authentication-failed`,
 * `crypto/invalid-key`, `crypto/limit-exceeded`, `protocol/malformed`, `protocol/too-large`, `storage/corrupt` (a given prekey).
 */
export function decryptMessage(deps: Pick<CryptoDeps, 'provider' | 'now'>, input: DecryptInput): DecryptResult {
  const { provider, now } = deps
  const { local, remote } = input
  const parsed = known(parseEnvelope(input.envelope))
  const record = expire(recordFor(input.record, remote), now)
  const { session, handshake } = findTarget(deps, { record, input, parsed })
  const ad = associatedData(session.ratchet.th, { from: remote, to: local, header: parsed.header })
  const { state, result } = receiveStep(provider, session.ratchet, {
    ratchetKey: parsed.ratchet.ratchetKey,
    previousChainLength: parsed.ratchet.previousChainLength,
    counter: parsed.ratchet.counter,
    pqEpoch: parsed.ratchet.pqEpoch ?? 0,
    now,
    open: (messageKey) => decodePlaintext(openCommitting(provider, messageKey, { ad, keyCommitment: parsed.keyCommitment, ciphertext: parsed.ciphertext })),
  })
  if (handshake) requireSameManifests({ local, remote, header: handshake })
  const received = sessionAfter(session, {
    ratchet: result.chunk ? takeChunk(provider, state, { chunk: result.chunk, parameters: PQ_PARAMETERS }) : state,
    handshake: null,
    acknowledged: true,
    receivedSinceSend: session.receivedSinceSend + 1,
    unansweredSince: session.unansweredSince || now,
  })
  return {
    record: withSession(remember(record, handshake), received, now),
    plaintext: result.plaintext,
    sender: pairwiseSender(remote),
    consumed: handshake?.kemKeyType === KEM_KEY_TYPES.oneTime ? { oneTimePreKeyId: handshake.kemKeyId } : {},
    created: handshake !== null,
    echo: result.echo,
    pqStalled: isStalled(received.ratchet.pq, now),
    franking: parsed.ratchet.commitmentOrSalt.length === 32 ? parsed.ratchet.commitmentOrSalt : null,
    sharedBodyId: parsed.ratchet.sharedBodyId ?? null,
  }
}
