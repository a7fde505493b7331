/** Bytes of one block. */
const BLOCK = 64 * 1024
/** Larger pieces get a block of their own. */
const LARGE = 8 * 1024

/**
 * Cuts frames out of large blocks: a typed array with memory of its own costs the garbage collector more than all other work on
 * a small frame. A block lives until its last frame was sent. Pieces are never used twice, and what a block held before is nothing.
 */
export class Slab {
  #block = new Uint8Array(0)
  #at = 0

  take(length: number): Uint8Array {
    if (length > LARGE) return new Uint8Array(length)
    if (this.#at + length > this.#block.length) {
      this.#block = new Uint8Array(BLOCK)
      this.#at = 0
    }
    const piece = this.#block.subarray(this.#at, this.#at + length)
    this.#at += length
    return piece
  }
}
