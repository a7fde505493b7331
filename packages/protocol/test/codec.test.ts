import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue, isSecureChatError, LIMITS, scanMessagePack } from '../src/index.js'

const hex = (text: string) => Uint8Array.from((text.match(/[0-9a-f]{2}/g) ?? []).map((pair) => Number.parseInt(pair, 16)))
const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
  return 'accepted'
}

describe('strict decoding', () => {
  const refused: [string, string][] = [
    ['nothing', ''],
    ['surplus byte', 'c0c0'],
    ['truncated text', 'a2 61'],
    ['claimed array without content', 'dd ff ff ff ff'],
    ['claimed map without content', 'df ff ff ff ff'],
    ['claimed bytes without content', 'c6 ff ff ff ff'],
    ['duplicate key', '82 a1 61 01 a1 61 02'],
    ['__proto__', '81 a9 5f5f70726f746f5f5f 01'],
    ['constructor', '81 ab 636f6e7374727563746f72 01'],
    ['a key that is no text', '81 01 01'],
    ['invalid UTF-8', 'a2 c3 28'],
    ['lone surrogate in UTF-8', 'a3 ed a0 80'],
    ['extension 0x72 (records)', 'd4 72 40'],
    ['extension 0x42 (big integers)', 'c7 08 42 01 00 00 00 00 00 00 00'],
    ['timestamp extension', 'd6 ff 00 00 00 00'],
    ['reserved type', 'c1'],
    ['float32', 'ca 3f 80 00 00'],
    ['NaN', 'cb 7f f8 00 00 00 00 00 00'],
    ['infinity', 'cb 7f f0 00 00 00 00 00 00'],
    ['integer as float', 'cb 3f f0 00 00 00 00 00 00'],
    ['uint64', 'cf 00 00 00 01 00 00 00 00'],
    ['integer above 2^53', 'd3 7f ff ff ff ff ff ff ff'],
  ]
  it.each(refused)('refuses %s', (_name, text) => {
    expect(code(() => decodeValue(hex(text)))).toBe('protocol/malformed')
  })

  it('bounds depth, elements and size', () => {
    const nested = (depth: number) => Uint8Array.from([...Array<number>(depth - 1).fill(0x91), 0xc0])
    expect(code(() => decodeValue(nested(LIMITS.codecDepth)))).toBe('accepted')
    expect(code(() => decodeValue(nested(LIMITS.codecDepth + 1)))).toBe('protocol/malformed')
    const wide = new Uint8Array(5 + LIMITS.codecElements).fill(0xc0)
    wide.set([0xdd, 0, 1, 0, 0])
    expect(code(() => decodeValue(wide))).toBe('protocol/malformed')
    expect(code(() => decodeValue(new Uint8Array(11), 10))).toBe('protocol/too-large')
  })

  it('never fails but by a typed error, and what it accepts encodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        if (code(() => scanMessagePack(bytes)) === 'accepted') expect(encodeValue(decodeValue(bytes))).toEqual(bytes)
      }),
      { numRuns: 20_000, seed: 7 },
    )
  })

  it('gives back every value of the format', () => {
    const key = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((name) => !['__proto__', 'constructor', 'prototype'].includes(name))
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constant(null),
        fc.boolean(),
        fc.maxSafeInteger(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
        fc.string({ unit: 'grapheme' }),
        fc.uint8Array({ maxLength: 300 }),
        fc.array(tie('value'), { maxLength: 20 }),
        fc.dictionary(key, tie('value'), { maxKeys: 8, noNullPrototype: true }),
      ),
    })).value
    fc.assert(
      fc.property(value, (original) => {
        expect(decodeValue(encodeValue(original))).toEqual(original)
      }),
      { numRuns: 1_000, seed: 11 },
    )
  })

  it('leaves out undefined and copies bytes', () => {
    expect(decodeValue(encodeValue({ a: undefined, b: 1 }))).toEqual({ b: 1 })
    const encoded = encodeValue({ b: Uint8Array.of(1, 2, 3) })
    const { b } = decodeValue(encoded) as { b: Uint8Array }
    encoded.fill(0)
    expect(b).toEqual(Uint8Array.of(1, 2, 3))
    expect(Object.getPrototypeOf(b)).toBe(Uint8Array.prototype)
  })
})
