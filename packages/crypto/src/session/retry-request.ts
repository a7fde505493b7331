import {
  type AccountId,
  concatBytes,
  type DeviceId,
  ENVELOPE_KINDS,
  ENVELOPE_VERSION,
  idToBytes,
  LABELS,
  LIMITS,
  parseEnvelope,
  SecureChatError,
  SUITE,
  T,
  transientT,
  u8,
  u32,
  u64,
} from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import type { LocalDevice, RemoteDevice } from '../identity/devices.js'
import type { CryptoProvider } from '../primitives/provider.js'

/**
 * envelope of kind 4 = u8 version ‖ u8 suite ‖ u8 kind ‖ u8 flags = 0 ‖ u32 requester's device ‖ u32 peer's device ‖ u64 time ‖ nonce 16
 *                      ‖ u8 t ‖ t × session tag 8 ‖ u8 n ‖ n × hash 32 ‖ signature 64          (t: 0 or 1; n: 1 to 64)
 *
 * The signature is the requester's DSK's over T("SC1/retry", u8 suite, requester's account, u32 device, peer's account, u32 device, u64 time,
 * nonce, session tag or empty, hashes) (docs/protocol/14-healing.md).
 */
const PREFIX = 4
const NONCE = 16
const HASH = 32
const TAG = 8
const SIGNATURE = 64

interface Endpoint {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
}

export interface RetryRequestInput {
  readonly local: Pick<LocalDevice, 'accountId' | 'deviceId' | 'deviceKeys'>
  readonly peer: Endpoint
  /** `envelopeHash` of each envelope that could not be read, oldest first; 1 to `LIMITS.retryEnvelopes`. */
  readonly envelopes: readonly Uint8Array[]
  /** 8 bytes, of the session that the newest of them names, where it names one. */
  readonly sessionTag?: Uint8Array | undefined
  /** Milliseconds; above that of every earlier request to this device. */
  readonly time: number
}

/** A request whose signature holds. Everything in it is still only what the peer says. */
export interface RetryRequest {
  readonly time: number
  /** 16 bytes. */
  readonly nonce: Uint8Array
  readonly sessionTag: Uint8Array | null
  readonly envelopes: readonly Uint8Array[]
}

export interface VerifyRetryRequestInput {
  readonly local: Endpoint
  /** The device that the server names as the sender, from the sender's pinned manifest. */
  readonly remote: Pick<RemoteDevice, 'accountId' | 'deviceId' | 'signingKey'>
  readonly envelope: Uint8Array
}

interface Fields extends RetryRequest {
  readonly from: Endpoint
  readonly to: Endpoint
}

const NOTHING = new Uint8Array(0)

/** What an envelope is called in a request: BLAKE2b-256 of T("SC1/retry/envelope", envelope). */
export const envelopeHash = (provider: Pick<CryptoProvider, 'blake2b'>, envelope: Uint8Array): Uint8Array =>
  provider.blake2b(HASH, transientT(LABELS.retryEnvelope, envelope))

/** The session that an envelope names, a copy; undefined where it cannot be parsed or names none. */
export function sessionTagOf(envelope: Uint8Array): Uint8Array | undefined {
  try {
    const parsed = parseEnvelope(envelope)
    return parsed.kind === 'unknown' ? undefined : parsed.ratchet.sessionTag.slice()
  } catch {
    // It only helps the reader of a log: a request goes without.
    return undefined
  }
}

const signedBytes = ({ from, to, time, nonce, sessionTag, envelopes }: Fields): Uint8Array =>
  T(
    LABELS.retryRequest,
    u8(SUITE),
    idToBytes(from.accountId),
    u32(from.deviceId),
    idToBytes(to.accountId),
    u32(to.deviceId),
    u64(time),
    nonce,
    sessionTag ?? NOTHING,
    concatBytes(...envelopes),
  )

/** A request of version and suite that this code reads. Anything else of kind 4 is for a newer version. */
export const isRetryRequest = (envelope: Uint8Array): boolean =>
  envelope[0] === ENVELOPE_VERSION && envelope[1] === SUITE && envelope[2] === ENVELOPE_KINDS.retryRequest && envelope[3] === 0

/** A whole envelope, signed with this device's DSK. Throws `client/invalid-argument`. */
export function createRetryRequest({ provider, random }: Pick<CryptoDeps, 'provider' | 'random'>, input: RetryRequestInput): Uint8Array {
  const { local, peer, envelopes, sessionTag = null, time } = input
  const wrong = envelopes.length === 0 || envelopes.length > LIMITS.retryEnvelopes || envelopes.some(({ length }) => length !== HASH)
  if (wrong || (sessionTag && sessionTag.length !== TAG)) throw new SecureChatError('client/invalid-argument', { detail: 'retry request' })
  const nonce = random(NONCE)
  const signed = signedBytes({ from: local, to: peer, time, nonce, sessionTag, envelopes })
  const writer = new ByteWriter(256).u8(ENVELOPE_VERSION).u8(SUITE).u8(ENVELOPE_KINDS.retryRequest).u8(0)
  writer
    .u32(local.deviceId)
    .u32(peer.deviceId)
    .u64(time)
    .bytes(nonce)
    .u8(sessionTag ? 1 : 0)
  if (sessionTag) writer.bytes(sessionTag)
  writer.u8(envelopes.length)
  for (const hash of envelopes) writer.bytes(hash)
  return writer.bytes(provider.ed25519Sign(local.deviceKeys.signing.secretKey.expose(), signed)).finish()
}

function readFields(envelope: Uint8Array, { local, remote }: Pick<VerifyRetryRequestInput, 'local' | 'remote'>): { fields: Fields; signature: Uint8Array } {
  const reader = new ByteReader(envelope, 'protocol/malformed', 'retry request')
  if (!isRetryRequest(envelope)) reader.fail()
  reader.view(PREFIX)
  const [fromDevice, toDevice] = [reader.u32(), reader.u32()]
  // Another device's than the one that the server names, or for another: a row that was put in the wrong place.
  if (fromDevice !== remote.deviceId || toDevice !== local.deviceId) reader.fail()
  const time = reader.u64()
  const nonce = reader.copy(NONCE)
  const tags = reader.u8()
  if (tags > 1) reader.fail()
  const sessionTag = tags === 1 ? reader.copy(TAG) : null
  const count = reader.u8()
  if (count === 0 || count > LIMITS.retryEnvelopes) reader.fail()
  const envelopes: Uint8Array[] = []
  for (let i = 0; i < count; i++) envelopes.push(reader.copy(HASH))
  const signature = reader.copy(SIGNATURE)
  reader.end()
  return { fields: { from: remote, to: local, time, nonce, sessionTag, envelopes }, signature }
}

/**
 * Reads a request and checks that the named device signed it for this very device. Keeps no view of `envelope`. Nothing may be done before.
 * Throws `protocol/malformed` (also where it names other devices) or `crypto/invalid-signature`.
 */
export function verifyRetryRequest(provider: Pick<CryptoProvider, 'ed25519Verify'>, input: VerifyRetryRequestInput): RetryRequest {
  const { fields, signature } = readFields(input.envelope, input)
  if (!provider.ed25519Verify(signature, signedBytes(fields), input.remote.signingKey)) {
    throw new SecureChatError('crypto/invalid-signature', { detail: 'retry request' })
  }
  const { time, nonce, sessionTag, envelopes } = fields
  return { time, nonce, sessionTag, envelopes }
}
