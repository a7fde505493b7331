import { describe, expect, test } from 'vitest'
import { decodeValue, encodeValue, isSecureChatError, LIMITS, scanMessagePack } from '../src/index.js'

// Every kind of value has one form: where the next shorter one ends, the longer one begins (docs/protocol/01-encodings.md).

const bytes = (...parts: readonly (number | readonly number[] | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])))
const u16 = (n: number) => [n >>> 8, n & 0xff]
const u32 = (n: number) => [...u16(n >>> 16), ...u16(n & 0xffff)]
const i64 = (n: bigint) => Array.from({ length: 8 }, (_, i) => Number((BigInt.asUintN(64, n) >> BigInt(56 - 8 * i)) & 0xffn))
const float = (n: number) => [...new Uint8Array(new Float64Array([n]).buffer)].reverse()
const a = (count: number) => new Uint8Array(count).fill(0x61)
const nulls = (count: number) => new Uint8Array(count).fill(0xc0)
/** `count` pairs with keys of four letters. */
const pairs = (count: number) => Array.from({ length: count }, (_, i) => [0xa4, ...Buffer.from(i.toString(36).padStart(4, '_')), 0xc0]).flat()

const judge = (input: Uint8Array): string => {
  try {
    scanMessagePack(input)
    return 'accepted'
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
}

interface Form {
  readonly name: string
  readonly accepted: readonly Uint8Array[]
  readonly refused: readonly Uint8Array[]
}
const MAX = BigInt(Number.MAX_SAFE_INTEGER)

const FORMS: readonly Form[] = [
  { name: 'small integers', accepted: [bytes(0), bytes(0x7f), bytes(0xe0), bytes(0xff)], refused: [] },
  { name: 'nil and booleans', accepted: [bytes(0xc0), bytes(0xc2), bytes(0xc3)], refused: [bytes(0xc1)] },
  { name: 'uint8', accepted: [bytes(0xcc, 0x80), bytes(0xcc, 0xff)], refused: [bytes(0xcc, 0), bytes(0xcc, 0x7f), bytes(0xcc)] },
  { name: 'uint16', accepted: [bytes(0xcd, u16(0x100)), bytes(0xcd, u16(0xffff))], refused: [bytes(0xcd, u16(0xff)), bytes(0xcd, 1)] },
  { name: 'uint32', accepted: [bytes(0xce, u32(0x10000)), bytes(0xce, u32(0xffffffff))], refused: [bytes(0xce, u32(0xffff)), bytes(0xce, 1, 0, 0)] },
  {
    name: 'int8',
    accepted: [bytes(0xd0, 0xdf), bytes(0xd0, 0x80)],
    refused: [bytes(0xd0, 0xe0), bytes(0xd0, 0xff), bytes(0xd0, 0), bytes(0xd0, 5), bytes(0xd0)],
  },
  { name: 'int16', accepted: [bytes(0xd1, 0xff, 0x7f), bytes(0xd1, 0x80, 0)], refused: [bytes(0xd1, 0xff, 0x80), bytes(0xd1, 0x7f, 0xff), bytes(0xd1, 0x80)] },
  {
    name: 'int32',
    accepted: [bytes(0xd2, u32(0xffff7fff)), bytes(0xd2, u32(0x80000000))],
    refused: [bytes(0xd2, u32(0xffff8000)), bytes(0xd2, u32(0x7fffffff)), bytes(0xd2, 0x80, 0, 0)],
  },
  {
    name: 'int64',
    accepted: [0x100000000n, MAX, -0x80000001n, -MAX].map((n) => bytes(0xd3, i64(n))),
    refused: [0n, 1n, -1n, 0xffffffffn, -0x80000000n, MAX + 1n, -MAX - 1n].map((n) => bytes(0xd3, i64(n))).concat(bytes(0xd3, u32(0))),
  },
  { name: 'uint64', accepted: [], refused: [bytes(0xcf, i64(0x100000000n))] },
  {
    name: 'float64',
    accepted: [0.5, -1.5, Number.MIN_VALUE].map((n) => bytes(0xcb, float(n))),
    refused: [0, -0, 1, -7, 2 ** 60, Number.NaN, Number.POSITIVE_INFINITY].map((n) => bytes(0xcb, float(n))).concat(bytes(0xcb, 0x3f)),
  },
  { name: 'short text', accepted: [bytes(0xa0), bytes(0xbf, a(31))], refused: [bytes(0xbf, a(30))] },
  { name: 'text8', accepted: [bytes(0xd9, 32, a(32)), bytes(0xd9, 255, a(255))], refused: [bytes(0xd9, 31, a(31)), bytes(0xd9, 32, a(31))] },
  {
    name: 'text16',
    accepted: [bytes(0xda, u16(256), a(256)), bytes(0xda, u16(0xffff), a(0xffff))],
    refused: [bytes(0xda, u16(255), a(255)), bytes(0xda, u16(256), a(255))],
  },
  { name: 'text32', accepted: [bytes(0xdb, u32(0x10000), a(0x10000))], refused: [bytes(0xdb, u32(0xffff), a(0xffff)), bytes(0xdb, u32(0x10000), a(0xffff))] },
  { name: 'bytes8', accepted: [bytes(0xc4, 0), bytes(0xc4, 255, a(255))], refused: [bytes(0xc4, 2, a(1)), bytes(0xc4)] },
  { name: 'bytes16', accepted: [bytes(0xc5, u16(256), a(256))], refused: [bytes(0xc5, u16(255), a(255)), bytes(0xc5, u16(256), a(255))] },
  { name: 'bytes32', accepted: [bytes(0xc6, u32(0x10000), a(0x10000))], refused: [bytes(0xc6, u32(0xffff), a(0xffff)), bytes(0xc6, u32(0x10000), a(0xffff))] },
  { name: 'short array', accepted: [bytes(0x90), bytes(0x9f, nulls(15))], refused: [bytes(0x9f, nulls(14))] },
  // One of the elements is the array itself.
  {
    name: 'array16',
    accepted: [bytes(0xdc, u16(16), nulls(16)), bytes(0xdc, u16(0xffff), nulls(LIMITS.codecElements - 1))],
    refused: [bytes(0xdc, u16(15), nulls(15))],
  },
  {
    name: 'array32',
    accepted: [],
    refused: [
      bytes(0xdd, u32(15), nulls(15)),
      bytes(0xdd, u32(0xffff), nulls(0xffff)),
      bytes(0xdd, u16(16), pairs(16)),
      bytes(0xdd, u16(16), nulls(16)),
      bytes(0xdd, u32(0x10000), nulls(0x10000)),
    ],
  },
  { name: 'short map', accepted: [bytes(0x80), bytes(0x8f, pairs(15))], refused: [bytes(0x8f, pairs(14))] },
  {
    name: 'map16',
    accepted: [bytes(0xde, u16(16), pairs(16)), bytes(0xde, u16(0x7fff), pairs(0x7fff))],
    refused: [bytes(0xde, u16(15), pairs(15)), bytes(0xde, u16(0x8000), pairs(0x8000))],
  },
  {
    name: 'map32',
    accepted: [],
    refused: [bytes(0xdf, u32(16), pairs(16)), bytes(0xdf, u16(16), pairs(16)), bytes(0xdf), bytes(0xdf, u32(0x7fff), pairs(0x7fff))],
  },
  {
    name: 'keys',
    accepted: [bytes(0x81, 0xbf, a(31), 0xc0), bytes(0x81, 0xd9, 32, a(32), 0xc0), bytes(0x81, 0xa0, 0xc0)],
    refused: [
      bytes(0x81, 0xd9, 31, a(31), 0xc0),
      bytes(0x81, 0xda, u16(256), a(256), 0xc0),
      bytes(0x81, 0xc4, 1, a(1), 0xc0),
      bytes(0x81, 0x9f, nulls(16)),
      bytes(0x81, 0x01, 0x61, 0xc0),
      bytes(0x81, 0xe1, 0x61, 0xc0),
      bytes(0x81, 0xc4, 32, a(32), 0xc0),
      bytes(0x81, 0xa9, Buffer.from('prototype'), 0xc0),
      bytes(0x81, 0xa1, 0xff, 0xc0),
      bytes(0x82, 0xa1, 0x61, 0xc0, 0xa1, 0x61, 0xc0),
      bytes(0x81, 0xa1, 0x61),
    ],
  },
  { name: 'extensions', accepted: [], refused: [0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8].map((type) => bytes(type, new Uint8Array(40))) },
]

describe.each(FORMS)('$name', ({ accepted, refused }) => {
  test('from the smallest to the largest of its kind', () => {
    for (const input of accepted) {
      const shown = Buffer.from(input.subarray(0, 12)).toString('hex')
      expect(judge(input), shown).toBe('accepted')
      expect(judge(bytes(input, 0xc0)), `${shown} and a byte`).toBe('protocol/malformed')
      expect(encodeValue(decodeValue(input)), shown).toEqual(input)
    }
  })
  test('nothing that has a shorter form, is cut or too large', () => {
    for (const input of refused) expect(judge(input), Buffer.from(input.subarray(0, 12)).toString('hex')).toBe('protocol/malformed')
  })
})

describe('whole values', () => {
  test('arrays and maps count towards one depth', () => {
    const nested = (depth: number) => bytes(...Array.from({ length: depth - 1 }, (_, i) => (i % 2 ? [0x91] : [0x81, 0xa1, 0x61])), 0xc0)
    expect(judge(nested(LIMITS.codecDepth))).toBe('accepted')
    expect(judge(nested(LIMITS.codecDepth + 1))).toBe('protocol/malformed')
  })

  test('a size limit holds to the byte, and is that of a frame where none is given', () => {
    expect(decodeValue(bytes(0xa2, a(2)), 3)).toBe('aa')
    expect(() => decodeValue(bytes(0xa2, a(2)), 2)).toThrowError(expect.objectContaining({ code: 'protocol/too-large' }))
    const largest = bytes(0xc6, u32(LIMITS.frameBytes - 5), a(LIMITS.frameBytes - 5))
    expect((decodeValue(largest) as Uint8Array).length).toBe(LIMITS.frameBytes - 5)
    expect(() => decodeValue(bytes(largest, 0))).toThrowError(expect.objectContaining({ code: 'protocol/too-large' }))
  })

  test('text is kept as it came, a byte order mark too', () => {
    for (const text of ['\ufeffx', 'é', '𝄞', '\u0000']) expect(decodeValue(encodeValue({ text }))).toEqual({ text })
  })

  test('integers of every range come back, others are not written', () => {
    for (const n of [2 ** 32 - 1, 2 ** 32, -(2 ** 31), -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(decodeValue(encodeValue([n]))).toEqual([n])
      expect(judge(encodeValue(n)), String(n)).toBe('accepted')
    }
    for (const n of [2 ** 53, -(2 ** 53), 2 ** 70]) expect(() => encodeValue([n])).toThrowError(expect.objectContaining({ code: 'client/invalid-argument' }))
    expect(encodeValue([undefined === null, null])).toEqual(bytes(0x92, 0xc2, 0xc0))
  })

  test('bytes that are a view of a larger buffer are read as the view', () => {
    const whole = bytes(0xc1, 0x92, 0xcd, u16(0x1234), 0xd1, 0x80, 0, 0xc1)
    expect(decodeValue(whole.subarray(1, -1))).toEqual([0x1234, -0x8000])
  })
})
