export type { Evaluation } from '../primitives/oprf.js'
export { type Bucket, type BucketId, bucketOf, decodeBucket } from './bucket.js'
export { beginDiscovery, findInBucket, finishDiscovery, type PendingDiscovery } from './client.js'
export type { DiscoveryTag } from './tag.js'
