import { concatBytes, SecureChatError } from '@securechat/protocol/core'
import { createRelease } from '../primitives/release.js'

/**
 * Where a whole file goes. What was written may be seen by others, or kept, only after `commit`: write to a temporary place, make it final in
 * `commit`, delete it in `abort`. Exactly one of the two is called, once. What a sink throws ends the operation.
 */
export interface ByteSink {
  /** True: `write` is done with the bytes when it settles. Their memory is then given back at once; otherwise 64 MiB and more wait for the garbage collector. */
  readonly borrows?: boolean
  /** Pieces in order; the next comes when the promise settles. The bytes are the sink's own, unless it only borrows them. */
  write(bytes: Uint8Array): Promise<void> | void
  /** Everything was written and everything was right. */
  commit(): Promise<void> | void
  /** Leaves nothing. May come while a `write` is under way, after `commit` has thrown, or before the first `write`. */
  abort(reason: unknown): Promise<void> | void
}

/** A Web stream as far as it is used, such as `FileSystemFileHandle.createWritable()`, which keeps nothing unless it is closed. */
export interface WritableByteStream {
  getWriter(): { write(bytes: Uint8Array): Promise<void>; close(): Promise<void>; abort(reason?: unknown): Promise<void> }
}

/**
 * Commit closes the stream, abort aborts it: right for a stream whose abort leaves nothing behind. `borrows` only for one whose writes settle when the
 * bytes are stored, as those of a file do; a stream that hands pieces on keeps them for longer.
 */
export function writableSink(stream: WritableByteStream, { borrows = false }: { readonly borrows?: boolean } = {}): ByteSink {
  const writer = stream.getWriter()
  return { borrows, write: (bytes) => writer.write(bytes), commit: () => writer.close(), abort: (reason) => writer.abort(reason) }
}

export interface MemorySink extends ByteSink {
  write(bytes: Uint8Array): void
  commit(): void
  abort(): void
  /** What was committed. Throws `client/not-found` before that and after an abort. */
  bytes(): Uint8Array
}

/** For small files. Throws `protocol/too-large` when more than `maxBytes` are written. */
export function memorySink(maxBytes: number): MemorySink {
  let pieces: Uint8Array[] = []
  let size = 0
  let committed: Uint8Array | undefined
  return {
    write(bytes) {
      size += bytes.length
      if (size > maxBytes) throw new SecureChatError('protocol/too-large', { detail: 'content in memory' })
      pieces.push(bytes)
    },
    commit() {
      committed = concatBytes(...pieces)
      pieces = []
    },
    abort() {
      pieces = []
      committed = undefined
    },
    bytes() {
      if (!committed) throw new SecureChatError('client/not-found', { detail: 'content that was not committed' })
      return committed
    },
  }
}

/** Runs `work` with the sink: commit where it succeeds, abort where anything fails. `write` takes over the whole buffer behind the bytes. */
export async function intoSink<Result>(sink: ByteSink, work: (write: (bytes: Uint8Array) => Promise<void>) => Promise<Result>): Promise<Result> {
  try {
    const release = sink.borrows ? createRelease() : undefined
    const result = await work(async (bytes) => {
      await sink.write(bytes)
      release?.(bytes.buffer)
    })
    await sink.commit()
    return result
  } catch (error) {
    // The first failure says what went wrong; a sink that cannot even abort has nothing to add for the caller.
    await Promise.resolve(sink.abort(error)).catch(() => undefined)
    throw error
  }
}
