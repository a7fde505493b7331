import { SecureChatError } from '../errors.js'
import { type ConversationId, ID_BYTES, idFromBytes, idToBytes } from '../ids.js'
import { LIMITS } from '../limits.js'
import { readU32, readU64, writeU32, writeU64 } from '../transcript.js'
import { ENVELOPE_VERSION, SUITE } from '../version.js'
import { ENVELOPE_FLAGS, ENVELOPE_KINDS, HEADER_SALT_BYTES, KEY_COMMITMENT_BYTES, type UnknownEnvelope } from './envelope.js'

/**
 * Message under a group's sender key (docs/protocol/05-envelope.md, "Sender-key messages"): one for all devices, not addressed to one.
 *
 *   message = header ‖ signature 64 ‖ key commitment 32 ‖ ciphertext
 *   header  = u8 version ‖ u8 suite ‖ u8 kind = 3 ‖ u8 flags ‖ group 16 ‖ u64 epoch ‖ state hash 32 ‖ chain id 32 ‖ u32 n
 *             ‖ (franking commitment 32, flag 1 | 16 random bytes)
 *
 * The sender is not in it, as in no envelope: the server names it, and signature and encryption bind it.
 */
export interface SenderKeyHeader {
  readonly groupId: ConversationId
  /** Of the group's state that the sender speaks in, and that state's hash. */
  readonly epoch: number
  readonly stateHash: Uint8Array
  readonly chainId: Uint8Array
  readonly counter: number
  /** 32 bytes: franking commitment. 16 bytes: random. Nothing else. */
  readonly commitmentOrSalt: Uint8Array
}

export interface SenderKeyMessage extends SenderKeyHeader {
  readonly kind: 'senderKeyMessage'
  /** All bytes before the signature, as sent. */
  readonly header: Uint8Array
  readonly signature: Uint8Array
  /** Key commitment ‖ ciphertext: what is signed, besides the header. */
  readonly sealed: Uint8Array
  readonly keyCommitment: Uint8Array
  readonly ciphertext: Uint8Array
}

const FIXED = 4 + ID_BYTES + 8 + 32 + 32 + 4
const SIGNATURE = 64
const TAG = 16

const malformed = (detail: string): never => {
  throw new SecureChatError('protocol/malformed', { detail })
}

/** Throws `client/invalid-argument` on a field of another length. */
export function encodeSenderKeyHeader(header: SenderKeyHeader): Uint8Array {
  const { groupId, epoch, stateHash, chainId, counter, commitmentOrSalt } = header
  const franking = commitmentOrSalt.length === 32
  if (stateHash.length !== 32 || chainId.length !== 32 || (!franking && commitmentOrSalt.length !== HEADER_SALT_BYTES))
    throw new SecureChatError('client/invalid-argument', { detail: 'sender key header' })
  const out = new Uint8Array(FIXED + commitmentOrSalt.length)
  out[0] = ENVELOPE_VERSION
  out[1] = SUITE
  out[2] = ENVELOPE_KINDS.senderKeyMessage
  out[3] = franking ? ENVELOPE_FLAGS.franking : 0
  out.set(idToBytes(groupId), 4)
  writeU64(out, 20, epoch)
  out.set(stateHash, 28)
  out.set(chainId, 60)
  writeU32(out, 92, counter)
  out.set(commitmentOrSalt, FIXED)
  return out
}

/** Views into `bytes`. What is newer is told apart from what is broken, as with `parseEnvelope`. Throws `protocol/malformed`, `protocol/too-large`. */
export function parseSenderKeyMessage(bytes: Uint8Array): SenderKeyMessage | UnknownEnvelope {
  if (bytes.length > LIMITS.envelopeBytes) throw new SecureChatError('protocol/too-large', { detail: 'sender key message' })
  if (bytes.length < 4) malformed('sender key message')
  const [version, suite, kindCode, flags] = [bytes[0]!, bytes[1]!, bytes[2]!, bytes[3]!]
  const unknown = (reason: UnknownEnvelope['reason']): UnknownEnvelope => ({ kind: 'unknown', reason, version, suite, kindCode, bytes })
  if (version === 0) malformed('envelope version')
  if (version !== ENVELOPE_VERSION) return unknown('version')
  if (suite !== SUITE) return unknown('suite')
  if (kindCode !== ENVELOPE_KINDS.senderKeyMessage) return malformed('envelope kind')
  if ((flags & ~ENVELOPE_FLAGS.franking) !== 0) return unknown('flags')
  const headerEnd = FIXED + (flags & ENVELOPE_FLAGS.franking ? 32 : HEADER_SALT_BYTES)
  const sealedAt = headerEnd + SIGNATURE
  if (bytes.length < sealedAt + KEY_COMMITMENT_BYTES + TAG) malformed('sender key message length')
  return {
    kind: 'senderKeyMessage',
    groupId: idFromBytes<ConversationId>(bytes.subarray(4, 20)),
    epoch: readU64(bytes, 20),
    stateHash: bytes.subarray(28, 60),
    chainId: bytes.subarray(60, 92),
    counter: readU32(bytes, 92),
    commitmentOrSalt: bytes.subarray(FIXED, headerEnd),
    header: bytes.subarray(0, headerEnd),
    signature: bytes.subarray(headerEnd, sealedAt),
    sealed: bytes.subarray(sealedAt),
    keyCommitment: bytes.subarray(sealedAt, sealedAt + KEY_COMMITMENT_BYTES),
    ciphertext: bytes.subarray(sealedAt + KEY_COMMITMENT_BYTES),
  }
}
