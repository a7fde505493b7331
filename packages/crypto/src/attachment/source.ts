import { SecureChatError } from '@securechat/protocol/core'
import { contentFailure } from './failures.js'

/** A Web stream as far as it is used; `ReadableStream` of browsers, Node and polyfills alike. */
export interface ReadableByteStream {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    cancel(reason?: unknown): Promise<void>
  }
}

/**
 * Bytes in pieces of any size: all at once, a Web stream (`response.body`, `blob.stream()`), or an iterable (a Node stream is one). A source
 * leaves a piece unchanged until the next one is asked for.
 */
export type ByteSource = Uint8Array | ReadableByteStream | AsyncIterable<Uint8Array> | Iterable<Uint8Array>

interface Pieces {
  next(): Promise<Uint8Array | null>
  cancel(reason: unknown): Promise<void>
}

function piecesOf(source: ByteSource): Pieces {
  if (source instanceof Uint8Array) return piecesOf([source])
  // Asked for first: not every engine's ReadableStream can be iterated.
  if ('getReader' in source) {
    const reader = source.getReader()
    return {
      next: async () => {
        const { done, value } = await reader.read()
        return done ? null : (value ?? new Uint8Array(0))
      },
      cancel: (reason) => reader.cancel(reason),
    }
  }
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  return {
    next: async () => {
      const result = await iterator.next()
      return result.done ? null : result.value
    },
    cancel: async () => {
      await iterator.return?.()
    },
  }
}

/** Reads exact lengths from a source of arbitrary pieces. What the source throws is passed on typed. */
export class ExactReader {
  readonly #pieces: Pieces
  #piece: Uint8Array = new Uint8Array(0)
  #ended = false

  constructor(source: ByteSource) {
    this.#pieces = piecesOf(source)
  }

  async #pull(): Promise<boolean> {
    while (this.#piece.length === 0 && !this.#ended) {
      const piece = await this.#pieces.next().catch(contentFailure)
      if (piece === null) this.#ended = true
      else if (piece instanceof Uint8Array) this.#piece = piece
      else throw new SecureChatError('client/invalid-argument', { detail: 'content source' })
    }
    return this.#piece.length > 0
  }

  /** Fills `target` as far as the source reaches; resolves to the number of bytes. */
  async fill(target: Uint8Array): Promise<number> {
    let at = 0
    while (at < target.length && (await this.#pull())) {
      const taken = Math.min(this.#piece.length, target.length - at)
      target.set(this.#piece.subarray(0, taken), at)
      this.#piece = this.#piece.subarray(taken)
      at += taken
    }
    return at
  }

  /** True when there is not one byte more. */
  async atEnd(): Promise<boolean> {
    return !(await this.#pull())
  }

  /** Tells the source that nobody reads on. Not waited for: a generator that hangs in a read would never answer, nor does its failure matter now. */
  cancel(reason: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#pieces.cancel(reason).catch(() => undefined)
  }
}
