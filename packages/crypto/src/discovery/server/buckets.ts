import { LIMITS, SecureChatError } from '@securechat/protocol/core'
import { ByteWriter } from '../../encoding/writer.js'
import { BUCKET_VERSION, type BucketId, compareTags, ENTRY_BYTES, requireBucketId, requireBucketSize } from '../bucket.js'
import { ENTRY_SALT_BYTES, prefixOf, TAG_BYTES } from '../tag.js'
import type { DiscoveryEntry } from './evaluate.js'

/** ⌊log2(users / 1,000)⌋, at most 16; null where there are too few users to hide among. */
export function maximumPrefixBits(users: number): number | null {
  if (users < LIMITS.discoveryBucketEntries) return null
  return Math.min(LIMITS.discoveryPrefixBits, Math.floor(Math.log2(users / LIMITS.discoveryBucketEntries)))
}

/**
 * The longest prefix under which EVERY bucket has its 1,000 entries: an average of 1,000 leaves half of them below. `counts` has the number of entries for each
 * of the 65,536 first two bytes of a tag. Null where there are too few users. Throws `client/invalid-argument`.
 */
export function choosePrefixBits(counts: ArrayLike<number>): number | null {
  if (counts.length !== 2 ** LIMITS.discoveryPrefixBits) throw new SecureChatError('client/invalid-argument', { detail: 'counts' })
  let sums = Array.from(counts)
  for (let bits: number = LIMITS.discoveryPrefixBits; ; bits--) {
    if (sums.every((sum) => sum >= LIMITS.discoveryBucketEntries)) return bits
    if (bits === 0) return null
    sums = Array.from({ length: sums.length / 2 }, (_, i) => sums[2 * i]! + sums[2 * i + 1]!)
  }
}

/**
 * u8 1 ‖ u8 prefix bits ‖ u16 prefix ‖ u32 count ‖ count × (tag 16 ‖ salt 8 ‖ masked account 16), ascending by tag. Throws `discovery/bucket-too-small`,
 * `protocol/too-large`, `client/invalid-argument` for an entry of another bucket or a tag twice.
 */
export function encodeBucket(id: BucketId, entries: readonly DiscoveryEntry[]): Uint8Array {
  requireBucketId(id)
  requireBucketSize(entries.length)
  const sorted = [...entries].sort((a, b) => compareTags(a.tag, 0, { other: b.tag, b: 0 }))
  const writer = new ByteWriter(8 + ENTRY_BYTES * sorted.length).u8(BUCKET_VERSION).u8(id.prefixBits).u16(id.prefix).u32(sorted.length)
  let last: Uint8Array | null = null
  for (const { tag, salt, maskedAccount } of sorted) {
    const lengths = tag.length === TAG_BYTES && salt.length === ENTRY_SALT_BYTES && maskedAccount.length === 16
    const repeated = last !== null && compareTags(last, 0, { other: tag, b: 0 }) === 0
    if (!lengths || repeated || prefixOf(tag, id.prefixBits) !== id.prefix) throw new SecureChatError('client/invalid-argument', { detail: 'bucket entry' })
    writer.bytes(tag).bytes(salt).bytes(maskedAccount)
    last = tag
  }
  return writer.finish()
}
