import { SecureChatError } from '../errors.js'
import { LIMITS } from '../limits.js'
import { ENVELOPE_VERSION, SUITE } from '../version.js'
import { ENVELOPE_KINDS, KEY_COMMITMENT_BYTES } from './envelope.js'

/**
 * One ciphertext that the envelopes of many devices refer to (docs/protocol/09-bodies-and-franking.md, "Shared bodies"):
 *
 *   body = header 20 ‖ key commitment 32 ‖ ciphertext
 *   header = u8 version = 1 ‖ u8 suite = 1 ‖ u8 kind = 5 ‖ u8 flags = 0 ‖ id 16
 */
const HEADER = 20
const TAG = 16

export interface SharedBodyParts {
  /** 16 bytes, as in the header of every envelope that refers to it. */
  readonly id: Uint8Array
  /** The first 20 bytes, which the body's keys depend on. */
  readonly header: Uint8Array
  readonly keyCommitment: Uint8Array
  readonly ciphertext: Uint8Array
}

/** Throws `client/invalid-argument` unless `id` is 16 bytes. */
export function encodeSharedBodyHeader(id: Uint8Array): Uint8Array {
  if (id.length !== 16) throw new SecureChatError('client/invalid-argument', { detail: 'shared body id' })
  const out = new Uint8Array(HEADER)
  out.set([ENVELOPE_VERSION, SUITE, ENVELOPE_KINDS.sharedBody, 0])
  out.set(id, 4)
  return out
}

/**
 * Parses without any key; views into `bytes`. Throws `protocol/malformed`, `protocol/too-large`, or `protocol/unsupported-version` for
 * a newer version, suite or flag.
 */
export function parseSharedBody(bytes: Uint8Array): SharedBodyParts {
  if (bytes.length > LIMITS.sharedBodyBytes) throw new SecureChatError('protocol/too-large', { detail: 'shared body' })
  if (bytes.length < 4 || bytes[0] === 0) throw new SecureChatError('protocol/malformed', { detail: 'shared body' })
  if (bytes[0] !== ENVELOPE_VERSION || bytes[1] !== SUITE || bytes[3] !== 0)
    throw new SecureChatError('protocol/unsupported-version', { detail: 'shared body' })
  if (bytes[2] !== ENVELOPE_KINDS.sharedBody || bytes.length < HEADER + KEY_COMMITMENT_BYTES + TAG)
    throw new SecureChatError('protocol/malformed', { detail: 'shared body' })
  const commitmentEnd = HEADER + KEY_COMMITMENT_BYTES
  return {
    id: bytes.subarray(4, HEADER),
    header: bytes.subarray(0, HEADER),
    keyCommitment: bytes.subarray(HEADER, commitmentEnd),
    ciphertext: bytes.subarray(commitmentEnd),
  }
}
