import { SecureChatError } from '../errors.js'
import { LIMITS } from '../limits.js'
import { readU32, readU64, viewOf, writeU32, writeU64 } from '../transcript.js'
import { ENVELOPE_VERSION, SUITE } from '../version.js'

/**
 * The end-to-end envelope: what one device writes for one other device (docs/protocol/05-envelope.md). Fixed binary, because it
 * is on the hot path. All integers are big-endian.
 *
 *   envelope  = u8 version ‖ u8 suite ‖ u8 kind ‖ u8 flags ‖ [handshake, kind 2] ‖ ratchet ‖ key commitment 32 ‖ ciphertext
 *   handshake = u32 sender device ‖ u32 recipient device ‖ u64 manifest version ‖ manifest hash 32 (the sender's)
 *               ‖ u64 manifest version ‖ manifest hash 32 (the recipient's, as the sender knows it) ‖ u32 generation
 *               ‖ ephemeral X25519 32 ‖ u32 signed prekey ‖ u8 KEM key type ‖ u32 KEM key ‖ KEM ciphertext 1088
 *   ratchet   = session tag 8 ‖ X25519 32 ‖ u32 previous chain length ‖ u32 n ‖ [u32 PQ epoch, flag 2] ‖ [shared body id 16, flag 4]
 *               ‖ (franking commitment 32, flag 1 | 16 random bytes)
 *
 * Everything before the key commitment is "the header" and is authenticated as it was sent.
 */
export const ENVELOPE_KINDS = {
  message: 1,
  /** Handshake and first messages, until the first answer was decrypted. */
  preKeyMessage: 2,
  /** Message under a group's sender key (`parseSenderKeyMessage`); not addressed to one device. */
  senderKeyMessage: 3,
  /** Signed request to send again over a fresh handshake (docs/protocol/14-healing.md); not read by `parseEnvelope`. */
  retryRequest: 4,
  /** A body that several envelopes refer to (docs/protocol/09-bodies-and-franking.md); not addressed to one device, parsed by `parseSharedBody`. */
  sharedBody: 5,
} as const

export const ENVELOPE_FLAGS = { franking: 0x01, pqEpoch: 0x02, sharedBody: 0x04 } as const
const KNOWN_FLAGS = 0x07

/** Type byte of the KEM key of a handshake: half of a one-time pair, or the last-resort key. */
export const KEM_KEY_TYPES = { oneTime: 1, lastResort: 2 } as const
export type KemKeyType = (typeof KEM_KEY_TYPES)[keyof typeof KEM_KEY_TYPES]

const PREFIX = 4
const HANDSHAKE = 4 + 4 + 8 + 32 + 8 + 32 + 4 + 32 + 4 + 1 + 4 + 1088
const RATCHET = 8 + 32 + 4 + 4
const TAG = 16
/** Length of the random part of a header without a franking commitment. */
export const HEADER_SALT_BYTES = 16
export const KEY_COMMITMENT_BYTES = 32
/** What a manifest is called in headers: its version and the first 32 bytes of its hash. */
export interface ManifestRef {
  readonly version: number
  readonly hash: Uint8Array
}

export interface HandshakeHeader {
  readonly senderDeviceId: number
  readonly recipientDeviceId: number
  readonly senderManifest: ManifestRef
  readonly recipientManifest: ManifestRef
  /** 0 for the first session of a pair; healing uses the highest + 1. */
  readonly generation: number
  /** EK_A of PQXDH, 32 bytes. */
  readonly ephemeralKey: Uint8Array
  readonly signedPreKeyId: number
  readonly kemKeyType: KemKeyType
  /** Id of the KEM key; with a one-time pair also the id of its X25519 half. */
  readonly kemKeyId: number
  /** ML-KEM-768 ciphertext, 1088 bytes. */
  readonly kemCiphertext: Uint8Array
}

export interface RatchetHeader {
  /** First 8 bytes of the session's transcript hash. */
  readonly sessionTag: Uint8Array
  readonly ratchetKey: Uint8Array
  readonly previousChainLength: number
  readonly counter: number
  /** Present on chains whose root took in a post-quantum secret; from 1. */
  readonly pqEpoch?: number
  /** Id of the shared body whose key and hash are the plaintext's `common`. */
  readonly sharedBodyId?: Uint8Array
  /** 32 bytes: franking commitment. 16 bytes: random. Nothing else. */
  readonly commitmentOrSalt: Uint8Array
}

export interface KnownEnvelope {
  readonly kind: 'message' | 'preKeyMessage'
  /** Only in a preKeyMessage. */
  readonly handshake: HandshakeHeader | null
  /** The handshake's bytes as sent, empty in a message. */
  readonly handshakeBytes: Uint8Array
  readonly ratchet: RatchetHeader
  /** All bytes before the key commitment, as sent. */
  readonly header: Uint8Array
  readonly keyCommitment: Uint8Array
  readonly ciphertext: Uint8Array
}

/** A newer version, suite, kind or flag: cannot be read, but is stored and forwarded as it came. */
export interface UnknownEnvelope {
  readonly kind: 'unknown'
  readonly reason: 'version' | 'suite' | 'kind' | 'flags'
  readonly version: number
  readonly suite: number
  readonly kindCode: number
  readonly bytes: Uint8Array
}
export type Envelope = KnownEnvelope | UnknownEnvelope

const malformed = (detail: string): never => {
  throw new SecureChatError('protocol/malformed', { detail })
}

const NOTHING = new Uint8Array(0)

/** Encodes the handshake part. The caller gives fields of the documented lengths. */
export function encodeHandshakeHeader(header: HandshakeHeader): Uint8Array {
  const out = new Uint8Array(HANDSHAKE)
  writeU32(out, 0, header.senderDeviceId)
  writeU32(out, 4, header.recipientDeviceId)
  writeU64(out, 8, header.senderManifest.version)
  put(out, 16, header.senderManifest.hash, 32)
  writeU64(out, 48, header.recipientManifest.version)
  put(out, 56, header.recipientManifest.hash, 32)
  writeU32(out, 88, header.generation)
  put(out, 92, header.ephemeralKey, 32)
  writeU32(out, 124, header.signedPreKeyId)
  out[128] = header.kemKeyType
  writeU32(out, 129, header.kemKeyId)
  put(out, 133, header.kemCiphertext, 1088)
  return out
}

function put(out: Uint8Array, at: number, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new SecureChatError('client/invalid-argument', { detail: 'envelope field length' })
  out.set(bytes, at)
}

/** Throws `protocol/malformed` on a wrong length, device 0, or an unknown KEM key type. Views into `bytes`. */
export function decodeHandshakeHeader(bytes: Uint8Array): HandshakeHeader {
  if (bytes.length !== HANDSHAKE) malformed('handshake length')
  const senderDeviceId = readU32(bytes, 0)
  const recipientDeviceId = readU32(bytes, 4)
  if (senderDeviceId === 0 || recipientDeviceId === 0) malformed('device id')
  const kemKeyType = bytes[128]
  if (kemKeyType !== KEM_KEY_TYPES.oneTime && kemKeyType !== KEM_KEY_TYPES.lastResort) return malformed('KEM key type')
  return {
    senderDeviceId,
    recipientDeviceId,
    senderManifest: { version: readU64(bytes, 8), hash: bytes.subarray(16, 48) },
    recipientManifest: { version: readU64(bytes, 48), hash: bytes.subarray(56, 88) },
    generation: readU32(bytes, 88),
    ephemeralKey: bytes.subarray(92, 124),
    signedPreKeyId: readU32(bytes, 124),
    kemKeyType,
    kemKeyId: readU32(bytes, 129),
    kemCiphertext: bytes.subarray(133),
  }
}

/** Bytes of the header of such a message. */
export const envelopeHeaderLength = ({ pqEpoch, sharedBodyId, commitmentOrSalt }: RatchetHeader, handshakeBytes: Uint8Array | null): number =>
  PREFIX +
  (handshakeBytes ? HANDSHAKE : 0) +
  RATCHET +
  (pqEpoch === undefined ? 0 : 4) +
  (sharedBodyId ? 16 : 0) +
  (commitmentOrSalt.length === 32 ? 32 : HEADER_SALT_BYTES)

/**
 * The header: everything that is authenticated. `handshakeBytes` (from `encodeHandshakeHeader`) makes it a preKeyMessage.
 * A `commitmentOrSalt` of 32 bytes sets the franking flag.
 */
export function encodeEnvelopeHeader(ratchet: RatchetHeader, handshakeBytes: Uint8Array | null): Uint8Array {
  const out = new Uint8Array(envelopeHeaderLength(ratchet, handshakeBytes))
  writeEnvelopeHeader(out, ratchet, handshakeBytes)
  return out
}

/** `encodeEnvelopeHeader` at the start of `out`, which has room for it. */
export function writeEnvelopeHeader(out: Uint8Array, ratchet: RatchetHeader, handshakeBytes: Uint8Array | null): void {
  const { pqEpoch, sharedBodyId, commitmentOrSalt } = ratchet
  const franking = commitmentOrSalt.length === 32
  out[0] = ENVELOPE_VERSION
  out[1] = SUITE
  out[2] = handshakeBytes ? ENVELOPE_KINDS.preKeyMessage : ENVELOPE_KINDS.message
  out[3] = (franking ? ENVELOPE_FLAGS.franking : 0) | (pqEpoch === undefined ? 0 : ENVELOPE_FLAGS.pqEpoch) | (sharedBodyId ? ENVELOPE_FLAGS.sharedBody : 0)
  let at = PREFIX
  if (handshakeBytes) {
    put(out, at, handshakeBytes, HANDSHAKE)
    at += HANDSHAKE
  }
  put(out, at, ratchet.sessionTag, 8)
  put(out, at + 8, ratchet.ratchetKey, 32)
  writeU32(out, at + 40, ratchet.previousChainLength)
  writeU32(out, at + 44, ratchet.counter)
  at += RATCHET
  if (pqEpoch !== undefined) {
    writeU32(out, at, pqEpoch)
    at += 4
  }
  if (sharedBodyId) {
    put(out, at, sharedBodyId, 16)
    at += 16
  }
  put(out, at, commitmentOrSalt, franking ? 32 : HEADER_SALT_BYTES)
}

/** Header ‖ key commitment ‖ ciphertext. Throws `protocol/too-large`. */
export function joinEnvelope(header: Uint8Array, keyCommitment: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const size = header.length + KEY_COMMITMENT_BYTES + ciphertext.length
  if (size > LIMITS.envelopeBytes) throw new SecureChatError('protocol/too-large', { detail: 'envelope' })
  const out = new Uint8Array(size)
  out.set(header)
  put(out, header.length, keyCommitment, KEY_COMMITMENT_BYTES)
  out.set(ciphertext, header.length + KEY_COMMITMENT_BYTES)
  return out
}

/**
 * Parses without any key. Byte strings are views into `bytes`. An unknown version, suite, kind or flag gives an
 * `UnknownEnvelope`, since refusing it would lose a message that an update could read. Throws `protocol/malformed`
 * (truncated, bad field) or `protocol/too-large`.
 */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length > LIMITS.envelopeBytes) throw new SecureChatError('protocol/too-large', { detail: 'envelope' })
  if (bytes.length < PREFIX) malformed('envelope')
  const version = bytes[0]!
  const suite = bytes[1]!
  const kindCode = bytes[2]!
  const flags = bytes[3]!
  const unknown = (reason: UnknownEnvelope['reason']): UnknownEnvelope => ({ kind: 'unknown', reason, version, suite, kindCode, bytes })
  if (version === 0) malformed('envelope version')
  if (version !== ENVELOPE_VERSION) return unknown('version')
  if (suite !== SUITE) return unknown('suite')
  if (kindCode !== ENVELOPE_KINDS.message && kindCode !== ENVELOPE_KINDS.preKeyMessage) return unknown('kind')
  if ((flags & ~KNOWN_FLAGS) !== 0) return unknown('flags')
  const first = kindCode === ENVELOPE_KINDS.preKeyMessage
  const ratchetAt = PREFIX + (first ? HANDSHAKE : 0)
  const epochLength = flags & ENVELOPE_FLAGS.pqEpoch ? 4 : 0
  const bodyLength = flags & ENVELOPE_FLAGS.sharedBody ? 16 : 0
  const saltLength = flags & ENVELOPE_FLAGS.franking ? 32 : HEADER_SALT_BYTES
  const headerEnd = ratchetAt + RATCHET + epochLength + bodyLength + saltLength
  if (bytes.length < headerEnd + KEY_COMMITMENT_BYTES + TAG) malformed('envelope length')
  const handshakeBytes = first ? viewOf(bytes, PREFIX, ratchetAt) : NOTHING
  const optional = ratchetAt + RATCHET
  // Epochs count from 1; a second way to write an unmarked chain is not allowed.
  if (epochLength > 0 && readU32(bytes, optional) === 0) malformed('post-quantum epoch')
  const ratchet: { -readonly [Field in keyof RatchetHeader]: RatchetHeader[Field] } = {
    sessionTag: viewOf(bytes, ratchetAt, ratchetAt + 8),
    ratchetKey: viewOf(bytes, ratchetAt + 8, ratchetAt + 40),
    previousChainLength: readU32(bytes, ratchetAt + 40),
    counter: readU32(bytes, ratchetAt + 44),
    commitmentOrSalt: viewOf(bytes, headerEnd - saltLength, headerEnd),
  }
  if (epochLength > 0) ratchet.pqEpoch = readU32(bytes, optional)
  if (bodyLength > 0) ratchet.sharedBodyId = viewOf(bytes, optional + epochLength, optional + epochLength + 16)
  return {
    kind: first ? 'preKeyMessage' : 'message',
    handshake: first ? decodeHandshakeHeader(handshakeBytes) : null,
    handshakeBytes,
    ratchet,
    header: viewOf(bytes, 0, headerEnd),
    keyCommitment: viewOf(bytes, headerEnd, headerEnd + KEY_COMMITMENT_BYTES),
    ciphertext: viewOf(bytes, headerEnd + KEY_COMMITMENT_BYTES, bytes.length),
  }
}
