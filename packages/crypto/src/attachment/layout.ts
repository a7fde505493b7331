import { ATTACHMENT_SUITE, LIMITS, SecureChatError } from '@securechat/protocol/core'
import { paddedSize } from '../padding/padding.js'
import { CHUNK_CIPHER_SIZES } from '../primitives/chunk-cipher.js'

/**
 * Where everything is in an encrypted attachment (docs/protocol/10-attachments.md, "Container"):
 *
 *   container = u8 version = 1 ‖ u8 suite = 3 ‖ u8 chunk bits ‖ commitment 32 ‖ chunk 0 ‖ … ‖ chunk n − 1
 *   chunk     = AES-256-GCM ciphertext ‖ tag 16
 */
export const CONTAINER_VERSION = 1
export const COMMITMENT_BYTES = 32
const PARAMETER_BYTES = 3
export const HEADER_BYTES = PARAMETER_BYTES + COMMITMENT_BYTES
export const TAG_BYTES = CHUNK_CIPHER_SIZES.tag
/** 1 MiB: large enough that the calls into the platform cost nothing, small enough that several are in flight in a few MiB. */
export const DEFAULT_CHUNK_BITS = 20

/** Sizes in bytes. */
export interface Layout {
  /** Of the content, without padding. */
  readonly size: number
  readonly chunkBytes: number
  /** Content and zeros. */
  readonly padded: number
  readonly chunks: number
  /** Header, chunks and their tags. */
  readonly container: number
}

export interface LayoutInput {
  readonly size: number
  readonly chunkBits: number
}

export const isChunkBits = (bits: number): boolean => Number.isInteger(bits) && bits >= LIMITS.attachmentChunkBitsMin && bits <= LIMITS.attachmentChunkBitsMax

/** Throws `protocol/too-large` above the largest number of chunks. `chunkBits` was checked before. */
export function layoutOf({ size, chunkBits }: LayoutInput): Layout {
  const chunkBytes = 2 ** chunkBits
  const padded = paddedSize(size)
  const chunks = Math.ceil(padded / chunkBytes)
  if (chunks > LIMITS.attachmentChunks) throw new SecureChatError('protocol/too-large', { detail: 'attachment' })
  return { size, chunkBytes, padded, chunks, container: HEADER_BYTES + padded + chunks * TAG_BYTES }
}

export interface ChunkPlace {
  readonly last: boolean
  /** Offset of its ciphertext in the container. */
  readonly at: number
  /** Of the ciphertext with its tag. */
  readonly sealedBytes: number
  /** Of content in it; the rest is padding. 0 in a chunk that is padding alone. */
  readonly contentBytes: number
}

/** `index` is below `layout.chunks`. */
export function placeOf(layout: Layout, index: number): ChunkPlace {
  const { size, chunkBytes, padded, chunks } = layout
  const start = index * chunkBytes
  return {
    last: index === chunks - 1,
    at: HEADER_BYTES + index * (chunkBytes + TAG_BYTES),
    sealedBytes: Math.min(chunkBytes, padded - start) + TAG_BYTES,
    contentBytes: Math.max(0, Math.min(chunkBytes, size - start)),
  }
}

/** The bytes in front of the commitment, which the keys depend on. */
export const parameterBytes = (chunkBits: number): Uint8Array => Uint8Array.of(CONTAINER_VERSION, ATTACHMENT_SUITE, chunkBits)
