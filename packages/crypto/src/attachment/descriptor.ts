import { ATTACHMENT_SUITE, LABELS, LIMITS, parseT, readU64, SecureChatError, T, text, u8, u64 } from '@securechat/protocol/core'
import { Secret } from '../secret.js'
import { isChunkBits, type Layout, layoutOf } from './layout.js'

/** What a message carries of an attachment (docs/protocol/10-attachments.md, "Descriptor"). */
export interface AttachmentDescriptor {
  /** K, 32 random bytes, used for this one container. */
  readonly key: Secret
  /** Binary logarithm of the chunk's bytes. */
  readonly chunkBits: number
  readonly ciphertextHash: Uint8Array
  /** Bytes of the content. */
  readonly size: number
  /** Media type (RFC 6838) in lower case without parameters. */
  readonly mediaType: string
  /** An image of at most 32 KiB; empty where there is none. */
  readonly thumbnail: Uint8Array
}

const VERSION = 1
const KEY_BYTES = 32
const HASH_BYTES = 32
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/

export function requireMediaType(mediaType: string): void {
  if (!MEDIA_TYPE.test(mediaType)) throw new SecureChatError('client/invalid-argument', { detail: 'media type' })
}

export function requireThumbnail(thumbnail: Uint8Array): void {
  if (thumbnail.length > LIMITS.thumbnailBytes) throw new SecureChatError('protocol/too-large', { detail: 'thumbnail' })
}

/**
 * T("SC1/att/descriptor", version, suite, chunk bits, key, hash of ciphertext, u64 size, media type, thumbnail). Belongs
 * inside an encrypted message: it holds the key. Throws `client/invalid-argument` and `protocol/too-large`.
 */
export function encodeAttachmentDescriptor(descriptor: AttachmentDescriptor): Uint8Array {
  const { key, chunkBits, ciphertextHash, size, mediaType, thumbnail } = descriptor
  if (!isChunkBits(chunkBits) || key.expose().length !== KEY_BYTES || ciphertextHash.length !== HASH_BYTES)
    throw new SecureChatError('client/invalid-argument', { detail: 'attachment descriptor' })
  requireMediaType(mediaType)
  requireThumbnail(thumbnail)
  layoutOf({ size, chunkBits })
  return T(LABELS.attachmentDescriptor, u8(VERSION), u8(ATTACHMENT_SUITE), u8(chunkBits), key.expose(), ciphertextHash, u64(size), text(mediaType), thumbnail)
}

const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'attachment descriptor' })
}

function ofLength(field: Uint8Array, length: number): Uint8Array {
  return field.length === length ? field.slice() : malformed()
}

function decodeMediaType(field: Uint8Array): string {
  if (field.length > LIMITS.mediaTypeCharacters) return malformed()
  const mediaType = String.fromCharCode(...field)
  return MEDIA_TYPE.test(mediaType) ? mediaType : malformed()
}

/**
 * Strict: what is accepted encodes to the same bytes. Copies, so that the input may go. Throws `protocol/malformed`, `protocol/too-large`, and
 * `protocol/unsupported-version` for another version or suite.
 */
export function decodeAttachmentDescriptor(bytes: Uint8Array): AttachmentDescriptor {
  const [version, suite, ...fields] = parseT(bytes, LABELS.attachmentDescriptor)
  if (version?.length !== 1 || suite?.length !== 1) return malformed()
  if (version[0] !== VERSION || suite[0] !== ATTACHMENT_SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'attachment descriptor' })
  if (fields.length !== 6) return malformed()
  const [bits, key, ciphertextHash, size, mediaType, thumbnail] = fields as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const chunkBits = ofLength(bits, 1)[0]!
  if (!isChunkBits(chunkBits)) return malformed()
  requireThumbnail(thumbnail)
  const descriptor = {
    key: new Secret(ofLength(key, KEY_BYTES)),
    chunkBits,
    ciphertextHash: ofLength(ciphertextHash, HASH_BYTES),
    size: readU64(ofLength(size, 8), 0),
    mediaType: decodeMediaType(mediaType),
    thumbnail: thumbnail.slice(),
  }
  layoutOf(descriptor)
  return descriptor
}

/** Sizes of the container that the descriptor is of: what to expect from a server, before a byte is fetched. Throws `protocol/too-large`. */
export const attachmentLayout = (descriptor: Pick<AttachmentDescriptor, 'size' | 'chunkBits'>): Layout => layoutOf(descriptor)
