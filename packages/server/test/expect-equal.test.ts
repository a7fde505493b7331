import { describe, expect, test } from 'vitest'
import { expectEqual } from '../src/conformance/case.js'

describe('conformance: equality', () => {
  test.each([
    [
      { a: 1, b: { c: 2, d: 3 } },
      { b: { d: 3, c: 2 }, a: 1 },
    ],
    [{ a: 1, b: undefined }, { a: 1 }],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    [Buffer.from([1, 2]), Uint8Array.of(1, 2)],
    [
      [1, [2]],
      [1, [2]],
    ],
    [undefined, undefined],
  ])('%o is %o', (a, b) => expect(() => expectEqual(a, b, 'it')).not.toThrow())

  test.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: null }, {}],
    [
      [1, 2],
      [2, 1],
    ],
    [[1], { 0: 1 }],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [Uint8Array.of(1), [1]],
    ['bytes 1', Uint8Array.of(1)],
    [1, '1'],
  ])('%o is not %o', (a, b) => expect(() => expectEqual(a, b, 'it')).toThrow('conformance: it: got'))
})
