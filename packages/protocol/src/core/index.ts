/**
 * What needs neither the schemas nor the codec of the operations: errors, ids, limits, transcripts, envelopes. Cryptography imports this and not the
 * whole package, whose zod takes longer to load than all of it (bench/README.md, "From import to ready"). The root exports the same names.
 */
export { beginsWithPublicBytes, comparePublicBytes, equalPublicBytes, equalSecretBytes } from '../equality.js'
export { asSecureChatError, ERRORS, type ErrorCode, type ErrorOptions, isErrorCode, isSecureChatError, type RetryHint, SecureChatError } from '../errors.js'
export {
  type AccountId,
  type ConversationId,
  type DeviceId,
  fromBase64Url,
  ID_BYTES,
  idFromBytes,
  idToBytes,
  isDeviceId,
  isIdText,
  isPhoneNumber,
  type MessageId,
  type Timestamp,
  toBase64Url,
} from '../ids.js'
export { LABELS, type Label } from '../labels.js'
export { LIMITS } from '../limits.js'
export { type Clock, type Logger, type Random, silentLogger, systemClock, systemRandom } from '../ports.js'
export {
  concatBytes,
  parseT,
  readU16,
  readU32,
  readU64,
  sizeOfT,
  sizeOfTHead,
  T,
  text,
  transientBytes,
  transientT,
  u8,
  u16,
  u32,
  u64,
  viewOf,
  writeField,
  writeFieldLength,
  writeFieldStart,
  writeT,
  writeTHead,
  writeU32,
  writeU32Field,
  writeU64,
  writeU64Field,
} from '../transcript.js'
export { ATTACHMENT_SUITE, ENVELOPE_VERSION, FRAME_VERSION, KEY_TYPES, PROTOCOL_VERSIONS, SUITE } from '../version.js'
export {
  decodeHandshakeHeader,
  ENVELOPE_FLAGS,
  ENVELOPE_KINDS,
  type Envelope,
  encodeEnvelopeHeader,
  encodeHandshakeHeader,
  envelopeHeaderLength,
  type HandshakeHeader,
  HEADER_SALT_BYTES,
  joinEnvelope,
  KEM_KEY_TYPES,
  KEY_COMMITMENT_BYTES,
  type KemKeyType,
  type KnownEnvelope,
  type ManifestRef,
  parseEnvelope,
  type RatchetHeader,
  type UnknownEnvelope,
  writeEnvelopeHeader,
} from '../wire/envelope.js'
export { encodeSenderKeyHeader, parseSenderKeyMessage, type SenderKeyHeader, type SenderKeyMessage } from '../wire/sender-key.js'
export { encodeSharedBodyHeader, parseSharedBody, type SharedBodyParts } from '../wire/shared-body.js'
