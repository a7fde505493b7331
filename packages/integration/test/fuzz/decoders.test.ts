import { isSecureChatError } from '@securechat/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Decoder } from '../../src/fuzz/decoder.js'
import { decoders, exportedReaders } from '../../src/fuzz/decoders.js'
import { inputsLike } from '../../src/fuzz/mutations.js'

const RUNS = Number(process.env.SECURECHAT_FUZZ_RUNS ?? 400)
const SEED = Number(process.env.SECURECHAT_FUZZ_SEED ?? 20_261_123)
const SLOWEST_MS = 50
/** What a decoder may allocate outside the heap for an input of at most a few KiB; a length that lies asks for gigabytes. */
const LARGEST_ALLOCATION = 8 * 2 ** 20

/** Not decoders: they take values, or what they read is covered by the one named. */
const ELSEWHERE: Record<string, string> = {
  decryptAttachment: 'attachment tests: it reads streams',
  openAttachment: 'attachment tests: it reads streams',
  decodeBucket: 'discovery tests: no bucket has fewer than 40,000 bytes, too many for this machinery',
  parseRecoveryWords: 'BIP39 vectors: it reads text',
}

const all = await decoders()

/** Any run of a slow machine can be slow; all of three are not. */
function fastestOf(runs: number, work: () => void): number {
  let fastest = Number.POSITIVE_INFINITY
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    work()
    fastest = Math.min(fastest, performance.now() - start)
  }
  return fastest
}

/** The value, or undefined where the input was refused by a typed error; anything else thrown fails the test. */
function attempt({ decode }: Decoder, bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: decode(bytes) }
  } catch (error) {
    if (!isSecureChatError(error)) throw error
    expect(error.message.length).toBeLessThan(300)
    return undefined
  }
}

test('every exported function that reads bytes from outside is fuzzed', () => {
  const listed = new Set(Object.keys(all).map((name) => name.replace(/,.*/, '')))
  expect(exportedReaders().filter((name) => !listed.has(name) && !(name in ELSEWHERE))).toEqual([])
  expect(Object.keys(ELSEWHERE).filter((name) => !exportedReaders().includes(name))).toEqual([])
})

describe.each(Object.entries(all))('%s', (_, decoder) => {
  const { encode, sample } = decoder

  test('reads its sample, and where it can be encoded, to the same bytes', () => {
    // A signature of zeros is the one sample that is well-formed and wrong.
    const accepted = attempt(decoder, sample)
    if (sample.some((byte) => byte !== 0)) expect(accepted).toBeDefined()
    if (encode && accepted) expect(encode(accepted.value)).toEqual(sample)
  })

  test(`${RUNS} inputs: a typed error or a value that encodes to the input, within ${SLOWEST_MS} ms, in bounded memory, the input untouched`, () => {
    fc.assert(
      fc.property(inputsLike(sample), (bytes) => {
        const before = bytes.slice()
        const memory = process.memoryUsage().arrayBuffers
        const start = performance.now()
        const accepted = attempt(decoder, bytes)
        const elapsed = performance.now() - start
        expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(LARGEST_ALLOCATION)
        if (elapsed > SLOWEST_MS) expect(fastestOf(3, () => attempt(decoder, bytes))).toBeLessThan(SLOWEST_MS)
        expect(bytes).toEqual(before)
        if (encode && accepted) expect(encode(accepted.value)).toEqual(before)
      }),
      { numRuns: RUNS, seed: SEED },
    )
  })
})
