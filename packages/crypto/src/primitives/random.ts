import type { Random } from '@securechat/protocol/core'

/**
 * Asks `source` for a block and hands it out in pieces, since a call into the platform costs more than the bytes. Every
 * byte is given out once, and erased from the pool. Not for a process that forks its memory (a copied pool repeats itself).
 */
export function pooledRandom(source: Random, poolBytes = 4096): Random {
  let pool: Uint8Array = new Uint8Array(0)
  let at = 0
  return (length) => {
    if (length > poolBytes / 4) return source(length)
    if (at + length > pool.length) {
      pool = source(poolBytes)
      at = 0
    }
    const bytes = pool.slice(at, at + length)
    pool.fill(0, at, at + length)
    at += length
    return bytes
  }
}
