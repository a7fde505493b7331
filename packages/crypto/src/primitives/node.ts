import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import { SecureChatError, toBase64Url } from '@securechat/protocol'
import { isStrictEd25519Point, requireCanonicalX25519, requireLength, requireNonZero } from './checks.js'
import { type CryptoProvider, SIZES } from './provider.js'
import { sodiumProvider } from './sodium.js'

// JWK and not DER: importing a raw key takes 8 µs this way and 160 µs the other.
const publicKeyObject = (curve: 'Ed25519' | 'X25519', key: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv: curve, x: toBase64Url(key) }, format: 'jwk' })

/** OpenSSL derives from `d` alone; `x` only has to be present. */
const UNUSED_X = toBase64Url(new Uint8Array(32).fill(9))

/**
 * OpenSSL where it is faster than WebAssembly (X25519, Ed25519 verification), libsodium for the rest. Node 20's BLAKE2b
 * ignores its key without saying so, so it is never used.
 */
export async function nodeProvider(): Promise<CryptoProvider> {
  const sodium = await sodiumProvider()
  return {
    ...sodium,
    name: 'node',
    ed25519Verify(signature, message, publicKey) {
      if (signature.length !== SIZES.ed25519Signature || publicKey.length !== SIZES.ed25519Public) return false
      if (!isStrictEd25519Point(publicKey) || !isStrictEd25519Point(signature.subarray(0, 32))) return false
      return verify(null, message, publicKeyObject('Ed25519', publicKey), signature)
    },
    x25519(secretKey, publicKey) {
      requireLength(secretKey, SIZES.x25519, 'X25519 secret key')
      requireLength(publicKey, SIZES.x25519, 'X25519 public key')
      requireCanonicalX25519(publicKey)
      const privateKey = createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', x: UNUSED_X, d: toBase64Url(secretKey) }, format: 'jwk' })
      let shared: Uint8Array
      try {
        shared = diffieHellman({ privateKey, publicKey: publicKeyObject('X25519', publicKey) })
      } catch (cause) {
        throw new SecureChatError('crypto/invalid-key', { detail: 'X25519 low order', cause })
      }
      return requireNonZero(new Uint8Array(shared))
    },
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  }
}
