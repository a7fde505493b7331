import {
  envelopeHeaderLength,
  HEADER_SALT_BYTES,
  KEY_COMMITMENT_BYTES,
  LIMITS,
  type RatchetHeader,
  SecureChatError,
  type Timestamp,
  viewOf,
  writeEnvelopeHeader,
} from '@securechat/protocol/core'
import { COMMITTING_OVERHEAD, sealCommittingInto } from '../aead/committing.js'
import type { CryptoDeps } from '../deps.js'
import { initiate } from '../handshake/initiate.js'
import { type PreKeyBundle, verifyPreKeyBundle } from '../identity/bundle.js'
import type { LocalDevice, RemoteDevice } from '../identity/devices.js'
import { type SendStep, sendStep } from '../ratchet/send.js'
import { startInitiator } from '../ratchet/start.js'
import { associatedData } from './associated-data.js'
import { expire, sendingSession, withSession } from './choice.js'
import { type PlaintextInput, plaintextLength, wholePlaintext, writePlaintext } from './plaintext.js'
import { recordFor, type Session, type SessionRecord, sessionAfter } from './record.js'

export interface EncryptInput {
  readonly record: SessionRecord | null
  readonly local: LocalDevice
  readonly remote: RemoteDevice
  /** Needed where `needsBundle` says so, and with `newSession`. */
  readonly bundle?: PreKeyBundle
  /** Healing: a fresh handshake of the next generation, whatever sessions there are. */
  readonly newSession?: boolean
  readonly plaintext: PlaintextInput
  /** 32 bytes from `frankingCommitment`; 16 random bytes take its place where it is absent. */
  readonly franking?: Uint8Array
  /** 16 bytes: `common` is the reference to the shared body of this id (docs/protocol/09-bodies-and-franking.md). */
  readonly sharedBodyId?: Uint8Array
}

export interface EncryptResult {
  /** Commit it together with the envelope BEFORE the envelope is sent; a retry sends the same bytes. */
  readonly record: SessionRecord
  readonly envelope: Uint8Array
  /** A new session was made, from the bundle. */
  readonly created: boolean
  /** The bundle was used and a key of it was older than 30 days. */
  readonly stale: boolean
}

interface Chosen {
  readonly session: Session
  readonly created: boolean
  readonly stale: boolean
}

/** True when `encryptMessage` cannot go without a bundle. */
export const needsBundle = (record: SessionRecord | null, { now }: { readonly now: Timestamp }): boolean =>
  !record || sendingSession(expire(record, now)) === null

function startSession(deps: CryptoDeps, record: SessionRecord, input: EncryptInput): Chosen {
  const { local, remote, bundle } = input
  if (!bundle) throw new SecureChatError('crypto/no-session', { detail: 'a prekey bundle is needed' })
  const verified = verifyPreKeyBundle(deps.provider, { remote, bundle, now: deps.now })
  const generation = record.nextGeneration
  if (generation > 0xffffffff) throw new SecureChatError('crypto/limit-exceeded', { detail: 'generation' })
  const { headerBytes, ephemeralKey, th, rootKey, signedPreKey } = initiate(deps, { local, remote, bundle: verified, generation })
  const session: Session = {
    role: 'initiator',
    generation,
    ephemeralKey,
    handshake: headerBytes,
    acknowledged: false,
    createdAt: deps.now,
    supersededAt: 0,
    receivedSinceSend: 0,
    unansweredSince: 0,
    ratchet: startInitiator(deps, { th, rootKey, signedPreKey }),
  }
  return { session, created: true, stale: verified.stale }
}

function chooseSession(deps: CryptoDeps, record: SessionRecord, input: EncryptInput): Chosen {
  const session = input.newSession ? null : sendingSession(record)
  return session ? { session, created: false, stale: false } : startSession(deps, record, input)
}

/**
 * One message for one device. Pure: the old record stays valid until the new one is committed. Throws `crypto/no-session` (a bundle
 * is needed), `prekeys/invalid-bundle`, `devices/identity-changed`, `protocol/too-large`, `crypto/invalid-key`.
 */
export function encryptMessage(deps: CryptoDeps, input: EncryptInput): EncryptResult {
  const { random, now } = deps
  const { remote, franking, sharedBodyId } = input
  if (franking && franking.length !== 32) throw new SecureChatError('client/invalid-argument', { detail: 'franking commitment' })
  const record = expire(recordFor(input.record, remote), now)
  const { session, created, stale } = chooseSession(deps, record, input)
  const step = sendStep(deps, session.ratchet)
  const header: { -readonly [Field in keyof RatchetHeader]: RatchetHeader[Field] } = {
    sessionTag: session.ratchet.th.slice(0, 8),
    ratchetKey: step.ratchetKey,
    previousChainLength: step.previousChainLength,
    counter: step.counter,
    commitmentOrSalt: franking ?? random(HEADER_SALT_BYTES),
  }
  if (step.pqEpoch > 0) header.pqEpoch = step.pqEpoch
  if (sharedBodyId) header.sharedBodyId = sharedBodyId
  const envelope = sealEnvelope(deps, input, { session, step, header })
  const { handshake, acknowledged } = session
  const sent = sessionAfter(session, { ratchet: step.state, handshake, acknowledged, receivedSinceSend: 0, unansweredSince: 0 })
  return { record: withSession(record, sent, now), envelope, created, stale }
}

/** All of it in one piece of memory: the header, room for the commitment, and the plaintext, which is encrypted where it lies. */
function sealEnvelope(
  { provider }: CryptoDeps,
  { local, remote, plaintext: given }: EncryptInput,
  { session, step, header }: { readonly session: Session; readonly step: SendStep; readonly header: RatchetHeader },
): Uint8Array {
  const plaintext = wholePlaintext(given)
  const headerLength = envelopeHeaderLength(header, session.handshake)
  const size = headerLength + plaintextLength(plaintext, step.chunk) + COMMITTING_OVERHEAD
  if (size > LIMITS.envelopeBytes) throw new SecureChatError('protocol/too-large', { detail: 'envelope' })
  const envelope = new Uint8Array(size)
  writeEnvelopeHeader(envelope, header, session.handshake)
  const ad = associatedData(session.ratchet.th, { from: local, to: remote, header: viewOf(envelope, 0, headerLength) })
  const echo = { sender: local.manifest, recipient: remote.manifest }
  writePlaintext(envelope, headerLength + KEY_COMMITMENT_BYTES, { plaintext, echo, chunk: step.chunk })
  sealCommittingInto(provider, step.messageKey, { ad, sealed: viewOf(envelope, headerLength, size) })
  return envelope
}
