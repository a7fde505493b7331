import { describe, expect, test } from 'vitest'
import { codeOf } from '../support/codes.js'
import { providers } from '../support/providers.js'
import { describeVectors, unhex, wycheproofCases } from '../support/vectors.js'

describe.each(providers)('$name', (provider) => {
  describeVectors('Wycheproof XChaCha20-Poly1305', 'wycheproof/xchacha20_poly1305_test.json', (data) => {
    const cases = wycheproofCases(data)
    test(`${cases.length} cases, both directions`, () => {
      for (const { vector } of cases) {
        const [key, nonce, associatedData, plaintext] = [vector.key, vector.iv, vector.aad, vector.msg].map((hex) => unhex(hex as string)) as [
          Uint8Array,
          Uint8Array,
          Uint8Array,
          Uint8Array,
        ]
        const sealed = unhex((vector.ct as string) + (vector.tag as string))
        const open = () => provider.aeadOpen(key, nonce, { data: sealed, associatedData })
        const where = `tcId ${vector.tcId}`
        if (vector.result === 'valid') {
          expect(Buffer.from(provider.aeadSeal(key, nonce, { data: plaintext, associatedData })).equals(sealed), where).toBe(true)
          expect(Buffer.from(open()).equals(plaintext), where).toBe(true)
        } else expect(codeOf(open), where).toBe(nonce.length === 24 ? 'crypto/authentication-failed' : 'crypto/invalid-key')
      }
    })
  })
})
