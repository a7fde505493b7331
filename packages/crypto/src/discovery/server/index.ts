export type { Evaluation } from '../../primitives/oprf.js'
export { type BucketId, bucketOf } from '../bucket.js'
export { choosePrefixBits, encodeBucket, maximumPrefixBits } from './buckets.js'
export { createEntry, type DiscoveryEntry, type DiscoveryKeys, deriveDiscoveryKeys, evaluateBlinded } from './evaluate.js'
