import { encodeEnvelopeHeader, HEADER_SALT_BYTES, KEY_COMMITMENT_BYTES, LIMITS, SecureChatError, type Timestamp } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import type { PreKeyBundle } from '../identity/bundle.js'
import type { LocalDevice, RemoteDevice } from '../identity/devices.js'
import { manifestRef } from '../identity/manifest-chain.js'
import { type SendStep, sendStep } from '../ratchet/send.js'
import { adTemplate, type PlaintextTemplate, pieces, plaintextTemplate, secretsTemplate } from './batch-templates.js'
import { expire, sendingSession, withSession } from './choice.js'
import { type EncryptResult, encryptMessage } from './encrypt.js'
import type { Plaintext } from './plaintext.js'
import { recordFor, type Session, type SessionRecord } from './record.js'

export interface Recipient {
  readonly remote: RemoteDevice
  readonly record: SessionRecord | null
  /** Needed where `needsBundle` says so. */
  readonly bundle?: PreKeyBundle
}

export interface EncryptManyInput {
  readonly local: LocalDevice
  /** The same for all of them. */
  readonly plaintext: Plaintext
  /** 32 bytes; 16 random ones take its place where it is absent. */
  readonly franking?: Uint8Array
  /** Each device once. */
  readonly recipients: readonly Recipient[]
}

/** Of one recipient. A refusal (a bundle that is missing or invalid, a changed identity) keeps nothing from the others. */
export type EncryptManyResult = ({ readonly kind: 'encrypted' } & EncryptResult) | { readonly kind: 'refused'; readonly error: SecureChatError }

/** Replaces the session that was sent on. The common case of `withSession`, which judges all sessions of the pair anew. */
function stored(record: SessionRecord, session: Session, now: Timestamp): SessionRecord {
  if (record.sessions.length > 1 || session.supersededAt !== 0) return withSession(record, session, now)
  return { ...record, nextGeneration: Math.max(record.nextGeneration, session.generation + 1), sessions: [session] }
}

interface Sealing {
  readonly remote: RemoteDevice
  readonly th: Uint8Array
  readonly header: Uint8Array
  readonly step: SendStep
}

/**
 * What `encryptMessage` does after the ratchet, with everything that all recipients share made once: the bytes are the same. The memory that keys and
 * plaintexts pass through is one for the batch and wiped at its end.
 */
function sealer({ provider }: CryptoDeps, local: LocalDevice, template: PlaintextTemplate): { seal(message: Sealing): Uint8Array; wipeMutable(): void } {
  const ads = adTemplate(local)
  const inputs = secretsTemplate()
  const piece = pieces()
  const keyNonceCommitment = new Uint8Array(128)
  const [key, nonce] = [keyNonceCommitment.subarray(0, 32), keyNonceCommitment.subarray(32, 56)]
  const commitment = keyNonceCommitment.subarray(56, 56 + KEY_COMMITMENT_BYTES)
  return {
    seal({ remote, th, header, step }) {
      const associatedData = provider.blake2b(64, ads.fillMutable(th, remote, header))
      const messageKey = step.messageKey.expose()
      const [first, second] = inputs.fillMutable(associatedData)
      keyNonceCommitment.set(provider.blake2b(64, first, messageKey))
      keyNonceCommitment.set(provider.blake2b(64, second, messageKey), 64)
      const ciphertext = provider.aeadSeal(key, nonce, { data: template.fillMutable(remote.manifest, step.chunk), associatedData })
      const size = header.length + KEY_COMMITMENT_BYTES + ciphertext.length
      if (size > LIMITS.envelopeBytes) throw new SecureChatError('protocol/too-large', { detail: 'envelope' })
      const envelope = piece(size)
      envelope.set(header)
      envelope.set(commitment, header.length)
      envelope.set(ciphertext, header.length + KEY_COMMITMENT_BYTES)
      return envelope
    },
    wipeMutable() {
      keyNonceCommitment.fill(0)
      template.wipeMutable()
    },
  }
}

function requireEachOnce(recipients: readonly Recipient[]): void {
  const seen = new Set(recipients.map(({ remote }) => `${remote.accountId}/${remote.deviceId}`))
  // Two messages from one state of a ratchet would be two under one message key, and only one of the two records could be kept.
  if (seen.size !== recipients.length) throw new SecureChatError('client/invalid-argument', { detail: 'a recipient twice' })
}

/**
 * One message for many devices, as `encryptMessage` makes it for each, at a fraction of the cost. Pure: commit the records together with the envelopes
 * BEFORE any is sent. The envelopes are views into shared blocks. Results are in the order of the recipients; throws only `client/invalid-argument`.
 */
export function encryptToMany(deps: CryptoDeps, input: EncryptManyInput): readonly EncryptManyResult[] {
  const { local, plaintext, franking, recipients } = input
  if (franking && franking.length !== 32) throw new SecureChatError('client/invalid-argument', { detail: 'franking commitment' })
  requireEachOnce(recipients)
  const batch = sealer(deps, local, plaintextTemplate(plaintext, { sender: manifestRef(local.manifest) }))
  try {
    return recipients.map((recipient) => {
      try {
        return encryptOne(deps, recipient)
      } catch (error) {
        if (error instanceof SecureChatError) return { kind: 'refused', error }
        throw error
      }
    })
  } finally {
    batch.wipeMutable()
  }

  function encryptOne({ random, now }: CryptoDeps, { remote, record: before, bundle }: Recipient): EncryptManyResult {
    const record = expire(recordFor(before, remote), now)
    const session = sendingSession(record)
    if (!session) {
      return { kind: 'encrypted', ...encryptMessage(deps, { record, local, remote, plaintext, ...(bundle && { bundle }), ...(franking && { franking }) }) }
    }
    const step = sendStep(deps, session.ratchet)
    const { th } = session.ratchet
    const header = encodeEnvelopeHeader(
      {
        sessionTag: th.subarray(0, 8),
        ratchetKey: step.ratchetKey,
        previousChainLength: step.previousChainLength,
        counter: step.counter,
        ...(step.pqEpoch > 0 && { pqEpoch: step.pqEpoch }),
        commitmentOrSalt: franking ?? random(HEADER_SALT_BYTES),
      },
      session.handshake,
    )
    const envelope = batch.seal({ remote, th, header, step })
    const sent = { ...session, ratchet: step.state, receivedSinceSend: 0, unansweredSince: 0 }
    return { kind: 'encrypted', record: stored(record, sent, now), envelope, created: false, stale: false }
  }
}
