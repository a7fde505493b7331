import { describe, expect, test } from 'vitest'
import { codeOf } from '../support/codes.js'
import { providers } from '../support/providers.js'
import { describeVectors, unhex, wycheproofCases } from '../support/vectors.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe.each(providers)('$name', (provider) => {
  describeVectors('Wycheproof ML-KEM-768', 'wycheproof/mlkem_768_test.json', (data) => {
    const cases = wycheproofCases(data)
    test(`${cases.length} cases: seed, ciphertext, shared secret`, () => {
      for (const { vector } of cases) {
        const where = `tcId ${vector.tcId}`
        const run = () => {
          const pair = provider.mlkem768KeyPair(unhex(vector.seed as string))
          if (vector.ek) expect(hex(pair.publicKey), where).toBe(vector.ek)
          return provider.mlkem768Decapsulate(unhex(vector.c as string), pair.secretKey)
        }
        if (vector.result === 'valid') expect(hex(run()), where).toBe(vector.K)
        else expect(codeOf(run), where).toBe('crypto/invalid-key')
      }
    })
  })

  describeVectors('Wycheproof ML-KEM-768 encapsulation', 'wycheproof/mlkem_768_encaps_test.json', (data) => {
    const cases = wycheproofCases(data)
    test(`${cases.length} cases: deterministic result, or refusal by length and modulus`, () => {
      for (const { vector } of cases) {
        const where = `tcId ${vector.tcId}`
        const run = () => provider.mlkem768Encapsulate(unhex(vector.ek as string), unhex(vector.m as string))
        if (vector.result === 'valid') {
          const { ciphertext, sharedSecret } = run()
          expect(hex(ciphertext), where).toBe(vector.c)
          expect(hex(sharedSecret), where).toBe(vector.K)
        } else expect(codeOf(run), where).toBe('crypto/invalid-key')
      }
    })
  })

  describeVectors('Wycheproof ML-KEM-768 key generation', 'wycheproof/mlkem_768_keygen_seed_test.json', (data) => {
    const cases = wycheproofCases(data)
    test(`${cases.length} seeds`, () => {
      for (const { vector } of cases) {
        const { publicKey, secretKey } = provider.mlkem768KeyPair(unhex(vector.seed as string))
        expect(hex(publicKey), `tcId ${vector.tcId}`).toBe(vector.ek)
        expect(hex(secretKey), `tcId ${vector.tcId}`).toBe(vector.dk)
      }
    })
  })

  describeVectors('Wycheproof ML-KEM-768 expanded keys', 'wycheproof/mlkem_768_semi_expanded_decaps_test.json', (data) => {
    const cases = wycheproofCases(data)
    test(`${cases.length} cases: lengths, hash check, implicit rejection`, () => {
      for (const { vector } of cases) {
        const run = () => provider.mlkem768Decapsulate(unhex(vector.c as string), unhex(vector.dk as string))
        if (vector.result === 'valid') expect(hex(run()), `tcId ${vector.tcId}`).toBe(vector.K)
        else expect(codeOf(run), `tcId ${vector.tcId}`).toBe('crypto/invalid-key')
      }
    })
  })
})
