import { LIMITS } from '@securechat/protocol/core'
import { SIZES } from '../primitives/provider.js'

/** Injected, so that a model can be small; everything else uses `PQ_PARAMETERS`. */
export interface PqParameters {
  /** Bytes of ek and ct in one chunk; at most 32 chunks an object. */
  readonly chunkBytes: number
  readonly gapMessages: number
  /** Milliseconds. */
  readonly gapTime: number
  readonly chunksPerChain: number
}

export const PQ_PARAMETERS: PqParameters = {
  chunkBytes: LIMITS.pqChunkBytes,
  gapMessages: LIMITS.pqGapMessages,
  gapTime: LIMITS.pqGapHours * 3_600_000,
  chunksPerChain: LIMITS.pqChunksPerChain,
}

/** Bytes of the two objects of an epoch. */
export const OBJECT_BYTES = { ek: SIZES.mlkemPublic, ct: SIZES.mlkemCiphertext } as const
