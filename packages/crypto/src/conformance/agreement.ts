import { concatBytes } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'
import { hex, unhex, type VectorCase, type VectorSet } from './case.js'
import { wycheproof } from './wycheproof.js'

const P = 2n ** 255n - 19n
const isCanonical = (u: Uint8Array): boolean => BigInt(`0x${hex(u.toReversed?.() ?? Uint8Array.from(u).reverse())}`) < P

/** The RFC's iteration feeds outputs and scalars back as u and ignores the high bit; a provider refuses it. */
function maskHighBit(bytes: Uint8Array): Uint8Array {
  const masked = Uint8Array.from(bytes)
  masked[31] = masked[31]! & 0x7f
  return masked
}

const iterated = (iterations: number, expected: string): VectorCase<CryptoProvider> => ({
  id: `section 5.2, iterations: ${iterations}`,
  expected,
  run(provider) {
    let k = unhex('09'.padEnd(64, '0'))
    let u = k
    for (let i = 0; i < iterations; i++) [u, k] = [k, provider.x25519(k, maskHighBit(u))]
    return k
  },
})

export const AGREEMENT_VECTORS: readonly VectorSet<CryptoProvider>[] = [
  {
    name: 'RFC 7748, X25519',
    plan: () => ({
      cases: [
        iterated(1, '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079'),
        iterated(1_000, '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51'),
      ],
      notApplicable: [],
    }),
  },
  // Their "acceptable" ones, low order and non-canonical u, are refused here: docs/protocol/01-encodings.md, "Primitives".
  wycheproof<CryptoProvider>('X25519', 'x25519_test.json', ({ bytes, text }) => ({
    expected: isCanonical(bytes('public')) && !/^0+$/.test(text('shared')) ? text('shared') : 'crypto/invalid-key',
    run: (provider) => provider.x25519(bytes('private'), bytes('public')),
  })),
  wycheproof<CryptoProvider>('ML-KEM-768', 'mlkem_768_test.json', ({ result, bytes, text }) => ({
    expected: result === 'valid' ? text('ek') + text('K') : 'crypto/invalid-key',
    run(provider) {
      const { publicKey, secretKey } = provider.mlkem768KeyPair(bytes('seed'))
      const sharedSecret = provider.mlkem768Decapsulate(bytes('c'), secretKey)
      return text('ek') === '' ? sharedSecret : concatBytes(publicKey, sharedSecret)
    },
  })),
  wycheproof<CryptoProvider>('ML-KEM-768, encapsulation', 'mlkem_768_encaps_test.json', ({ result, bytes, text }) => ({
    expected: result === 'valid' ? text('c') + text('K') : 'crypto/invalid-key',
    run(provider) {
      const { ciphertext, sharedSecret } = provider.mlkem768Encapsulate(bytes('ek'), bytes('m'))
      return concatBytes(ciphertext, sharedSecret)
    },
  })),
  wycheproof<CryptoProvider>('ML-KEM-768, key generation', 'mlkem_768_keygen_seed_test.json', ({ bytes, text }) => ({
    expected: text('ek') + text('dk'),
    run(provider) {
      const { publicKey, secretKey } = provider.mlkem768KeyPair(bytes('seed'))
      return concatBytes(publicKey, secretKey)
    },
  })),
  wycheproof<CryptoProvider>('ML-KEM-768, expanded keys', 'mlkem_768_semi_expanded_decaps_test.json', ({ result, bytes, text }) => ({
    expected: result === 'valid' ? text('K') : 'crypto/invalid-key',
    run: (provider) => provider.mlkem768Decapsulate(bytes('c'), bytes('dk')),
  })),
]
