import { LIMITS, type Random, SecureChatError } from '@securechat/protocol/core'
import { Secret } from '../secret.js'
import { type AttachmentDescriptor, requireMediaType, requireThumbnail } from './descriptor.js'
import { contentFailure, orAborted } from './failures.js'
import { ciphertextHash, LeafList } from './hashes.js'
import { type AttachmentDeps, type AttachmentKeys, attachmentKeys, chunkNonce } from './keys.js'
import { BufferRing, inLanes, type LaneOptions, laneCount } from './lanes.js'
import { DEFAULT_CHUNK_BITS, isChunkBits, type Layout, layoutOf } from './layout.js'
import { type ByteSink, intoSink } from './sink.js'
import { type ByteSource, ExactReader } from './source.js'

export interface EncryptAttachmentInput extends LaneOptions {
  readonly content: ByteSource
  /** Staging: kept until the upload is done. An upload that broke off goes on from it; without it the file is encrypted anew, under a new key. */
  readonly to: ByteSink
  readonly mediaType: string
  readonly thumbnail?: Uint8Array
  /** 8 to 22, by default 20 (1 MiB). */
  readonly chunkBits?: number
  /** Bytes of content encrypted so far, after each chunk, in order. */
  readonly onProgress?: (contentBytes: number) => void
}

interface ChunkJob {
  readonly index: number
  readonly last: boolean
  readonly buffer: Uint8Array
  readonly chunk: Uint8Array
  readonly contentBytes: number
}

interface SealedChunk {
  readonly sealed: Uint8Array
  readonly contentBytes: number
  readonly leaf: Uint8Array
}

/** Cuts the content into chunks; after its end come the zeros that pad it. */
class ChunkCutter {
  #index = 0
  #read = 0
  #layout: Layout | null = null

  constructor(
    readonly reader: ExactReader,
    readonly ring: BufferRing,
    readonly chunkBits: number,
  ) {}

  /** Known when the last job was given out. */
  layout(): Layout {
    return this.#layout ?? layoutOf({ size: this.#read, chunkBits: this.chunkBits })
  }

  async next(): Promise<ChunkJob | null> {
    if (this.#layout && this.#index >= this.#layout.chunks) return null
    if (this.#index >= LIMITS.attachmentChunks) throw new SecureChatError('protocol/too-large', { detail: 'attachment' })
    const buffer = this.ring.take()
    const contentBytes = this.#layout ? 0 : await this.reader.fill(buffer)
    this.#read += contentBytes
    if (!this.#layout && (await this.reader.atEnd())) this.#layout = this.layout()
    const index = this.#index++
    const length = this.#layout ? Math.min(buffer.length, this.#layout.padded - index * buffer.length) : buffer.length
    buffer.fill(0, contentBytes, length)
    return {
      index,
      last: this.#layout !== null && index === this.#layout.chunks - 1,
      buffer,
      chunk: buffer.subarray(0, length),
      contentBytes,
    }
  }
}

/** One step after the other: the platform copies what it works on, and the other lanes keep the cores busy meanwhile. */
async function sealChunk(
  { cipher, keys, ring }: AttachmentDeps & { readonly keys: AttachmentKeys; readonly ring: BufferRing },
  job: ChunkJob,
): Promise<SealedChunk> {
  const { index, last, chunk, contentBytes } = job
  const sealed = await keys.chunkKey.seal(chunkNonce(keys.noncePrefix, index, last), chunk)
  ring.give(job.buffer)
  return { sealed, contentBytes, leaf: await cipher.sha256(sealed) }
}

/**
 * Encrypts under a fresh random key, in one pass and bounded memory. There is no way to give a key or to go on with an encryption that broke off:
 * the same key and chunk number with other bytes would give both away (docs/protocol/10-attachments.md, "Resuming").
 *
 * Throws `client/invalid-argument`, `protocol/too-large`, `request/aborted`, or what source and sink throw (untyped: `storage/unavailable`);
 * the sink was then aborted.
 */
export async function encryptAttachment(deps: AttachmentDeps & { readonly random: Random }, input: EncryptAttachmentInput): Promise<AttachmentDescriptor> {
  const { to, mediaType, thumbnail = new Uint8Array(0), chunkBits = DEFAULT_CHUNK_BITS, onProgress } = input
  const reader = new ExactReader(input.content)
  const ring = new BufferRing(2 ** chunkBits)
  const cutter = new ChunkCutter(reader, ring, chunkBits)
  const leaves = new LeafList()
  let contentBytes = 0
  try {
    return await intoSink(to, async (write) => {
      if (!isChunkBits(chunkBits)) throw new SecureChatError('client/invalid-argument', { detail: 'chunk bits' })
      laneCount(input)
      requireMediaType(mediaType)
      requireThumbnail(thumbnail)
      const key = new Secret(deps.random(32))
      const keys = await attachmentKeys(deps, { key, chunkBits })
      await orAborted(input.signal, write(keys.header.slice()))
      await inLanes<ChunkJob, SealedChunk>({
        ...input,
        next: () => cutter.next(),
        work: (job) => sealChunk({ ...deps, keys, ring }, job),
        emit: async ({ sealed, leaf, ...chunk }) => {
          leaves.add(leaf)
          await write(sealed)
          contentBytes += chunk.contentBytes
          onProgress?.(contentBytes)
        },
      })
      const layout = cutter.layout()
      return {
        key,
        chunkBits,
        ciphertextHash: ciphertextHash(deps.provider, { header: keys.header, layout, leaves }),
        size: layout.size,
        mediaType,
        thumbnail: thumbnail.slice(),
      }
    })
  } catch (error) {
    reader.cancel(error)
    return contentFailure(error)
  }
}
