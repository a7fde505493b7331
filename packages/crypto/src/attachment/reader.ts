import { SecureChatError } from '@securechat/protocol/core'
import { openChunk } from './chunk.js'
import type { AttachmentDescriptor } from './descriptor.js'
import { contentFailure, notAuthentic, orAborted } from './failures.js'
import { type AttachmentDeps, type AttachmentKeys, openHeader } from './keys.js'
import { inLanes, type LaneOptions, laneCount } from './lanes.js'
import { HEADER_BYTES, type Layout, layoutOf, placeOf } from './layout.js'

export interface OpenAttachmentInput extends LaneOptions {
  readonly descriptor: AttachmentDescriptor
  /**
   * Bytes `offset` to `offset + length` of the container, exactly: a range request, or a staged file. Several calls may be open at once.
   * Fewer bytes are taken for a cut container. The bytes stay unchanged.
   */
  readonly readAt: (offset: number, length: number, signal?: AbortSignal) => Promise<Uint8Array>
  /** Bytes of the container as its store tells them, where it does: another length than the descriptor's is refused. */
  readonly containerBytes?: number
}

export interface ByteRange {
  readonly offset: number
  readonly length: number
  readonly signal?: AbortSignal
}

/** Any part of an attachment, for players that seek. */
export interface AttachmentReader {
  /** Bytes of the content. */
  readonly size: number
  /**
   * Exactly the asked range; `client/invalid-argument` beyond the end. Whatever is returned was authenticated at its place, but the hash of the whole
   * was not checked: do not assemble a file from ranges, `decryptAttachment` is for that.
   */
  read(range: ByteRange): Promise<Uint8Array>
}

/** Chunks kept decrypted, since players read on in small steps. */
const KEPT_CHUNKS = 2

/** Decrypted chunks, the latest last; those in flight too, so that two readers of one chunk share the work. */
class ChunkCache {
  readonly #kept = new Map<number, Promise<Uint8Array>>()

  get(index: number, load: (index: number) => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = this.#kept.get(index)
    this.#kept.delete(index)
    const chunk = known ?? load(index)
    this.#kept.set(index, chunk)
    chunk.catch(() => this.#kept.get(index) === chunk && this.#kept.delete(index))
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_CHUNKS) break
      this.#kept.delete(oldest)
    }
    return chunk
  }
}

/**
 * Opens a container for reading at any place. The header's commitment and then the FINAL chunk are checked before anything else is read: a container
 * that was cut is refused at once and not at the moment when a player comes to its end. Throws as `decryptAttachment`.
 */
export async function openAttachment(deps: AttachmentDeps, input: OpenAttachmentInput): Promise<AttachmentReader> {
  try {
    laneCount(input)
    const layout = layoutOf(input.descriptor)
    if (input.containerBytes !== undefined && input.containerBytes !== layout.container) notAuthentic('attachment length')
    const header = await orAborted(input.signal, input.readAt(0, HEADER_BYTES, input.signal))
    const keys = await openHeader(deps, { ...input.descriptor, header })
    const cache = new ChunkCache()
    const load = chunkLoader(input, { keys, layout })
    await orAborted(input.signal, cache.get(layout.chunks - 1, load))
    return { size: layout.size, read: (range) => readRange({ ...input, ...range }, { layout, chunkAt: (index) => cache.get(index, load) }) }
  } catch (error) {
    return contentFailure(error)
  }
}

/** No signal of one reader: the chunk may be shared with another. */
function chunkLoader({ readAt }: OpenAttachmentInput, { keys, layout }: { readonly keys: AttachmentKeys; readonly layout: Layout }) {
  return async (index: number): Promise<Uint8Array> => {
    const { at, sealedBytes } = placeOf(layout, index)
    return openChunk({ keys, layout, index, sealed: await readAt(at, sealedBytes) })
  }
}

interface Chunks {
  readonly layout: Layout
  readonly chunkAt: (index: number) => Promise<Uint8Array>
}

async function readRange({ offset, length, ...options }: LaneOptions & ByteRange, { layout, chunkAt }: Chunks): Promise<Uint8Array> {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > layout.size)
    throw new SecureChatError('client/invalid-argument', { detail: 'range' })
  const out = new Uint8Array(length)
  const end = offset + length
  let index = Math.floor(offset / layout.chunkBytes)
  await inLanes<number, { readonly start: number; readonly content: Uint8Array }>({
    ...options,
    next: async () => (index * layout.chunkBytes < end && length > 0 ? index++ : null),
    work: async (at) => ({ start: at * layout.chunkBytes, content: await chunkAt(at) }),
    emit: async ({ start, content }) => {
      const wanted = content.subarray(Math.max(0, offset - start), Math.max(0, end - start))
      out.set(wanted, Math.max(0, start - offset))
    },
  }).catch(contentFailure)
  return out
}
