import { equalSecretBytes, LABELS, readU32, T, u32, writeU32 } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'
import { OBJECT_BYTES, type PqParameters } from './parameters.js'
import type { Collection } from './state.js'

/** chunk = u32 e ‖ u8 kind (1 ek, 2 ct) ‖ u8 i ‖ tag 8 ‖ bytes (docs/protocol/07-post-quantum-ratchet.md, "Chunks"). */
const KINDS = { ek: 1, ct: 2 } as const
const FRAME = 14
const TAG = 8

export type ObjectKind = keyof typeof KINDS

export const chunkCount = (kind: ObjectKind, { chunkBytes }: PqParameters): number => Math.ceil(OBJECT_BYTES[kind] / chunkBytes)

/** H(T("SC1/pq", th, u32 e, ek)) names a key, the same with ct an answer to it, which is bound to the key by that. */
export const objectHash = (provider: Pick<CryptoProvider, 'blake2b'>, { th, epoch }: { th: Uint8Array; epoch: number }, ...objects: Uint8Array[]): Uint8Array =>
  provider.blake2b(64, T(LABELS.postQuantum, th, u32(epoch), ...objects))

/** What a chunk of the object is called by: the first 8 bytes of its hash. */
export const tagOf = (hash: Uint8Array): Uint8Array => hash.slice(0, TAG)

export interface ObjectName {
  readonly epoch: number
  readonly kind: ObjectKind
  readonly tag: Uint8Array
}

export function encodeChunk({ epoch, kind, tag }: ObjectName, object: Uint8Array, { index, chunkBytes }: { index: number; chunkBytes: number }): Uint8Array {
  const bytes = object.subarray(index * chunkBytes, (index + 1) * chunkBytes)
  const chunk = new Uint8Array(FRAME + bytes.length)
  writeU32(chunk, 0, epoch)
  chunk[4] = KINDS[kind]
  chunk[5] = index
  chunk.set(tag, 6)
  chunk.set(bytes, FRAME)
  return chunk
}

/** True for a chunk of the awaited object, of the length that its index asks for. */
export function isChunkOf(chunk: Uint8Array, { epoch, kind }: Pick<ObjectName, 'epoch' | 'kind'>, parameters: PqParameters): boolean {
  if (readU32(chunk, 0) !== epoch || chunk[4] !== KINDS[kind]) return false
  const index = chunk[5] as number
  const { chunkBytes } = parameters
  return index < chunkCount(kind, parameters) && chunk.length - FRAME === Math.min(chunkBytes, OBJECT_BYTES[kind] - index * chunkBytes)
}

/** `chunk` was judged by `isChunkOf`. A chunk with another tag begins another collection: one sender has one object an epoch. The same collection where nothing is new. */
export function collect(before: Collection | null, chunk: Uint8Array, { kind, chunkBytes }: { kind: ObjectKind; chunkBytes: number }): Collection {
  const index = chunk[5] as number
  const tag = chunk.subarray(6, FRAME)
  const known = before && equalSecretBytes(before.tag, tag) ? before : null
  if (known && (known.have & (1 << index)) !== 0) return known
  const bytes = known ? known.bytes.slice() : new Uint8Array(OBJECT_BYTES[kind])
  bytes.set(chunk.subarray(FRAME), index * chunkBytes)
  return { tag: known?.tag ?? tag.slice(), have: (known?.have ?? 0) | (1 << index), bytes }
}

export const isComplete = ({ have }: Collection, count: number): boolean => have >>> 0 === 2 ** count - 1
