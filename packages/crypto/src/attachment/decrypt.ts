import { type ChunkInput, openChunk } from './chunk.js'
import type { AttachmentDescriptor } from './descriptor.js'
import { contentFailure, notAuthentic, orAborted } from './failures.js'
import { ciphertextHash, LeafList } from './hashes.js'
import { type AttachmentDeps, openHeader } from './keys.js'
import { BufferRing, inLanes, type LaneOptions, laneCount } from './lanes.js'
import { HEADER_BYTES, layoutOf, placeOf, TAG_BYTES } from './layout.js'
import { type ByteSink, intoSink } from './sink.js'
import { type ByteSource, ExactReader } from './source.js'

export interface DecryptAttachmentInput extends LaneOptions {
  readonly descriptor: AttachmentDescriptor
  /** The container, from its first byte to its last. */
  readonly from: ByteSource
  /** Takes authenticated chunks as they come, and is committed only after the last chunk, the end of the source and the hash were right. */
  readonly to: ByteSink
  /** Bytes of content written so far and in all, after each chunk. */
  readonly onProgress?: (contentBytes: number, size: number) => void
}

interface OpenedChunk {
  readonly content: Uint8Array
  readonly leaf: Uint8Array
}

interface SealedJob {
  readonly index: number
  readonly buffer: Uint8Array
  readonly sealed: Uint8Array
}

async function openAndHash({ cipher, ring }: AttachmentDeps & { readonly ring: BufferRing }, input: ChunkInput & SealedJob): Promise<OpenedChunk> {
  const leaf = await cipher.sha256(input.sealed)
  const content = await openChunk(input)
  ring.give(input.buffer)
  return { content, leaf }
}

async function readKeys(deps: AttachmentDeps, { descriptor, reader }: { readonly descriptor: AttachmentDescriptor; readonly reader: ExactReader }) {
  const header = new Uint8Array(HEADER_BYTES)
  const length = await reader.fill(header)
  return openHeader(deps, { ...descriptor, header: header.subarray(0, length) })
}

/**
 * Whole-file mode. Resolves only when everything was right and the sink committed; whatever fails, the sink was aborted and keeps nothing.
 *
 * Throws `crypto/authentication-failed` (changed, cut, reordered or lengthened ciphertext, another key, a wrong hash),
 * `protocol/unsupported-version`, `protocol/too-large`, `request/aborted`, `client/invalid-argument`, or what source and sink throw
 * (untyped: `storage/unavailable`).
 */
export async function decryptAttachment(deps: AttachmentDeps, input: DecryptAttachmentInput): Promise<void> {
  const { descriptor, to, onProgress } = input
  const reader = new ExactReader(input.from)
  const leaves = new LeafList()
  let contentBytes = 0
  let index = 0
  try {
    await intoSink(to, async (write) => {
      laneCount(input)
      const layout = layoutOf(descriptor)
      const keys = await orAborted(input.signal, readKeys(deps, { descriptor, reader }))
      const ring = new BufferRing(Math.min(layout.chunkBytes, layout.padded) + TAG_BYTES)
      await inLanes<SealedJob, OpenedChunk>({
        ...input,
        next: async () => {
          if (index === layout.chunks) return (await reader.atEnd()) ? null : notAuthentic('attachment trailing bytes')
          const buffer = ring.take()
          const sealed = buffer.subarray(0, placeOf(layout, index).sealedBytes)
          if ((await reader.fill(sealed)) < sealed.length) return notAuthentic('attachment truncated')
          return { index: index++, buffer, sealed }
        },
        work: (job) => openAndHash({ ...deps, ring }, { keys, layout, ...job }),
        emit: async ({ content, leaf }) => {
          leaves.add(leaf)
          // Padding makes chunks without content.
          if (content.length === 0) return
          contentBytes += content.length
          await write(content)
          onProgress?.(contentBytes, layout.size)
        },
      })
      const { provider } = deps
      if (!provider.equal(ciphertextHash(provider, { header: keys.header, layout, leaves }), descriptor.ciphertextHash))
        notAuthentic('attachment ciphertext hash')
    })
  } catch (error) {
    reader.cancel(error)
    contentFailure(error)
  }
}
