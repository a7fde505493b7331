import { notAuthentic } from './failures.js'
import { type AttachmentKeys, chunkNonce } from './keys.js'
import { type Layout, placeOf } from './layout.js'

export interface ChunkInput {
  readonly keys: AttachmentKeys
  readonly layout: Layout
  readonly index: number
  readonly sealed: Uint8Array
}

/** The content of one chunk, once its tag, its place and its padding were right. */
export async function openChunk({ keys, layout, index, sealed }: ChunkInput): Promise<Uint8Array> {
  const { last, contentBytes, sealedBytes } = placeOf(layout, index)
  if (sealed.length !== sealedBytes) return notAuthentic('attachment truncated')
  const chunk = await keys.chunkKey.open(chunkNonce(keys.noncePrefix, index, last), sealed)
  // The sender made the padding: anything but zeros would be a second content beside the one that is shown, and the container no function of key and content.
  for (let i = contentBytes; i < chunk.length; i++) if (chunk[i] !== 0) return notAuthentic('attachment padding')
  return chunk.subarray(0, contentBytes)
}
