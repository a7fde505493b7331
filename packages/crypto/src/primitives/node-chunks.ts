import type { ChunkCipher } from './chunk-cipher.js'
import { type SubtleForChunks, webCryptoChunkCipher } from './webcrypto.js'

/** Hands out the memory of slices; one that was given back is used again. */
class SlicePool {
  readonly #free: Uint8Array[] = []
  readonly #taken: Uint8Array[] = []

  take(length: number): Uint8Array {
    const at = this.#free.findIndex((buffer) => buffer.length === length)
    const buffer = at < 0 ? new Uint8Array(length) : this.#free.splice(at, 1)[0]!
    this.#taken.push(buffer)
    return buffer
  }
  /** What was taken since the last call of this. */
  taken(): Uint8Array[] {
    return this.#taken.splice(0)
  }
  give(buffers: readonly Uint8Array[]): void {
    for (const buffer of buffers) if (buffer.length > TAG_LENGTH && this.#free.length < MOST_KEPT) this.#free.push(buffer)
  }
}
const TAG_LENGTH = 16
const MOST_KEPT = 8

/**
 * WebCrypto with less garbage. Node 20 cuts the tag off with `slice` before it decrypts, so that every chunk leaves a copy for the garbage collector,
 * which comes after 32 MiB of them. `slice` asks the array's species for its memory; here that is memory of an earlier chunk. A Node that does not slice never asks.
 */
export function nodeChunkCipher(subtle: SubtleForChunks = globalThis.crypto.subtle): ChunkCipher {
  const pool = new SlicePool()
  class Sliceable extends Uint8Array {
    static get [Symbol.species](): Uint8ArrayConstructor {
      return function slice(length: number) {
        return pool.take(length)
      } as unknown as Uint8ArrayConstructor
    }
  }
  const decrypt: SubtleForChunks['decrypt'] = async (algorithm, key, data) => {
    const { buffer, byteOffset, byteLength } = data as Uint8Array<ArrayBuffer>
    const plaintext = subtle.decrypt(algorithm, key, new Sliceable(buffer, byteOffset, byteLength))
    const slices = pool.taken()
    try {
      return await plaintext
    } finally {
      pool.give(slices)
    }
  }
  return {
    ...webCryptoChunkCipher({
      importKey: subtle.importKey.bind(subtle),
      encrypt: subtle.encrypt.bind(subtle),
      decrypt,
      digest: subtle.digest.bind(subtle),
    }),
    name: 'node',
  }
}
