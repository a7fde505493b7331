import { LIMITS, SecureChatError } from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ENTRY_SALT_BYTES, prefixOf, TAG_BYTES } from './tag.js'

/** Which bucket: all entries whose tag begins with these bits. */
export interface BucketId {
  /** 0 to 16. */
  readonly prefixBits: number
  readonly prefix: number
}
export interface Bucket extends BucketId {
  /** count × (tag 16 ‖ salt 8 ‖ masked account 16), ascending by tag. */
  readonly entries: Uint8Array
}

export const BUCKET_VERSION = 1
export const ENTRY_BYTES = TAG_BYTES + ENTRY_SALT_BYTES + 16

/** Negative where the tag at `a` of `one` comes before the tag at `b` of `other`. */
export function compareTags(one: Uint8Array, a: number, { other, b }: { readonly other: Uint8Array; readonly b: number }): number {
  for (let i = 0; i < TAG_BYTES; i++) {
    const difference = one[a + i]! - other[b + i]!
    if (difference !== 0) return difference
  }
  return 0
}

export function requireBucketId({ prefixBits, prefix }: BucketId): void {
  const fits = Number.isInteger(prefixBits) && prefixBits >= 0 && prefixBits <= LIMITS.discoveryPrefixBits
  if (!fits || !Number.isInteger(prefix) || prefix < 0 || prefix >= 2 ** prefixBits) throw new SecureChatError('client/invalid-argument', { detail: 'bucket' })
}

/** The bucket that a tag is in. Throws `client/invalid-argument`. */
export function bucketOf(tag: Uint8Array, prefixBits: number): BucketId {
  requireBucketId({ prefixBits, prefix: 0 })
  if (tag.length !== TAG_BYTES) throw new SecureChatError('client/invalid-argument', { detail: 'tag' })
  return { prefixBits, prefix: prefixOf(tag, prefixBits) }
}

/** Throws `discovery/bucket-too-small` below 1,000 entries, `protocol/too-large` above 65,536. */
export function requireBucketSize(count: number): void {
  if (count < LIMITS.discoveryBucketEntries) throw new SecureChatError('discovery/bucket-too-small', { detail: 'entries' })
  if (count > LIMITS.discoveryBucketMaximum) throw new SecureChatError('protocol/too-large', { detail: 'bucket' })
}

/**
 * Reads the answer to a request for `asked`. Throws `protocol/malformed` (another bucket, tags outside of it, not ascending, surplus bytes),
 * `protocol/unsupported-version`, `discovery/bucket-too-small`, `protocol/too-large`.
 */
export function decodeBucket(bytes: Uint8Array, asked: BucketId): Bucket {
  requireBucketId(asked)
  const reader = new ByteReader(bytes, 'protocol/malformed', 'bucket')
  if (reader.u8() !== BUCKET_VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'bucket' })
  if (reader.u8() !== asked.prefixBits || reader.u16() !== asked.prefix) reader.fail()
  const count = reader.u32()
  requireBucketSize(count)
  const entries = reader.copy(count * ENTRY_BYTES)
  reader.end()
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
    if (prefixOf(entries.subarray(at, at + 2), asked.prefixBits) !== asked.prefix) reader.fail()
    if (at > 0 && compareTags(entries, at - ENTRY_BYTES, { other: entries, b: at }) >= 0) reader.fail()
  }
  return { ...asked, entries }
}
