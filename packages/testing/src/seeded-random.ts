import type { Random } from '@securechat/protocol'

/** Numbers in [0, 1) and bytes that depend on the seed alone. For tests: nothing secret may come from it. */
export interface SeededRandom {
  readonly number: () => number
  readonly bytes: Random
}

/** Mulberry32 (public domain): 32 bits of state, good enough to choose faults and reproducible everywhere. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    number: () => next() / 0x100000000,
    bytes: (length) => {
      const out = new Uint8Array(length)
      for (let i = 0; i < length; i++) out[i] = next() & 0xff
      return out
    },
  }
}
