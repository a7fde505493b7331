import { type Random, u32 } from '@securechat/protocol'
import { nobleProvider } from '../../src/noble/index.js'

const { blake2b } = nobleProvider()

/** A reproducible stream: BLAKE2b of seed and counter. */
export function seededRandom(seed: number): Random {
  let counter = 0
  let pool: Uint8Array = new Uint8Array(0)
  return (length) => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      if (pool.length === 0) pool = blake2b(64, u32(counter++), u32(seed + 1))
      const take = Math.min(pool.length, length - at)
      out.set(pool.subarray(0, take), at)
      pool = pool.subarray(take)
      at += take
    }
    return out
  }
}
