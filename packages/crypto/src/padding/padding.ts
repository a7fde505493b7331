import { readU32, SecureChatError, viewOf, writeU32 } from '@securechat/protocol/core'

const BUCKET = 256
const BUCKETS_UP_TO = 4096
const LENGTH = 4

/**
 * The size that `size` bytes are padded to: multiples of 256 up to 4 KiB, then Padmé, which leaks O(log log n) bits for at most
 * 12 % more (Nikitin et al. 2019, "Reducing Metadata Leakage from Encrypted Files"). Nothing at all counts as one byte.
 */
export function paddedSize(size: number): number {
  if (size <= BUCKETS_UP_TO) return Math.ceil(Math.max(size, 1) / BUCKET) * BUCKET
  const exponent = Math.floor(Math.log2(size))
  const unit = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1)
  return Math.ceil(size / unit) * unit
}

/** Padded size for `length` bytes, which come with a length field in front. */
export const paddedLength = (length: number): number => paddedSize(length + LENGTH)

/** u32 length ‖ content ‖ zeros. */
export const pad = (content: Uint8Array): Uint8Array => padInPlace(content.length, (out) => out.set(content))

/** `pad` of `length` bytes that `write` puts where they belong. */
export function padInPlace(length: number, write: (content: Uint8Array) => void): Uint8Array {
  const out = new Uint8Array(paddedLength(length))
  writeU32(out, 0, length)
  write(viewOf(out, LENGTH, LENGTH + length))
  return out
}

/** A view. Throws `protocol/malformed` unless it is exactly what `pad` makes, zeros included: padding is no hidden channel. */
export function unpad(padded: Uint8Array): Uint8Array {
  const malformed = (): never => {
    throw new SecureChatError('protocol/malformed', { detail: 'padding' })
  }
  // What is too short for the field has no padded length either.
  const length = readU32(padded, 0)
  if (paddedLength(length) !== padded.length) malformed()
  for (let i = LENGTH + length; i < padded.length; i++) if (padded[i] !== 0) malformed()
  return viewOf(padded, LENGTH, LENGTH + length)
}
