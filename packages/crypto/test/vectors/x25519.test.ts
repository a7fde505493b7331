import { describe, expect, test } from 'vitest'
import { codeOf } from '../support/codes.js'
import { providers } from '../support/providers.js'
import { describeVectors, unhex, wycheproofCases } from '../support/vectors.js'

const P = 2n ** 255n - 19n
const littleEndian = (hex: string): bigint => BigInt(`0x${Buffer.from(hex, 'hex').reverse().toString('hex')}`)

/** The RFC's iteration feeds outputs and scalars back as u and ignores the high bit; the provider refuses it. */
function maskHighBit(bytes: Uint8Array): Uint8Array {
  const masked = Uint8Array.from(bytes)
  masked[31] = (masked[31] as number) & 0x7f
  return masked
}

describe.each(providers)('$name', (provider) => {
  test.each(
    // The thousand take seconds in pure TypeScript.
    [
      { iterations: 1, expected: '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079' },
      { iterations: 1_000, expected: '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51' },
    ].slice(0, provider.name === 'noble' ? 1 : 2),
  )('RFC 7748 section 5.2: iterations: $iterations', ({ iterations, expected }) => {
    let k = unhex('0900000000000000000000000000000000000000000000000000000000000000')
    let u = k
    for (let i = 0; i < iterations; i++) {
      const next = provider.x25519(k, maskHighBit(u))
      u = k
      k = next
    }
    expect(Buffer.from(k).toString('hex')).toBe(expected)
  })

  describeVectors('Wycheproof X25519', 'wycheproof/x25519_test.json', (data) => {
    const cases = wycheproofCases(data)
    test(`${cases.length} cases: shared secret, or refusal of low order and non-canonical u`, () => {
      let refused = 0
      for (const { vector } of cases) {
        const run = () => provider.x25519(unhex(vector.private as string), unhex(vector.public as string))
        const nonCanonical = littleEndian(vector.public as string) >= P
        const where = `tcId ${vector.tcId}`
        if (nonCanonical || /^0+$/.test(vector.shared as string)) {
          refused++
          expect(codeOf(run), where).toBe('crypto/invalid-key')
        } else expect(Buffer.from(run()).toString('hex'), where).toBe(vector.shared)
      }
      expect(refused).toBeGreaterThan(0)
    })
  })
})
