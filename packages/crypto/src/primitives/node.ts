import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto'
import { SecureChatError, toBase64Url } from '@securechat/protocol/core'
import { isStrictEd25519Point, requireCanonicalX25519, requireLength, requireNonZero } from './checks.js'
import { type CryptoProvider, SIZES } from './provider.js'
import { sodiumProvider } from './sodium.js'

type Curve = 'Ed25519' | 'X25519'

const base64Url = ({ buffer, byteOffset }: Uint8Array, length = 32): string => Buffer.from(buffer, byteOffset, length).toString('base64url')

// JWK and not DER: importing a raw key takes 8 µs this way and 160 µs the other.
const publicKeyObject = (curve: Curve, key: Uint8Array): KeyObject => createPublicKey({ key: { kty: 'OKP', crv: curve, x: base64Url(key) }, format: 'jwk' })

/** OpenSSL derives from `d` alone; `x` only has to be present. */
const UNUSED_X = toBase64Url(new Uint8Array(32).fill(9))

/**
 * OpenSSL's form of secret keys, of which the first 32 bytes count. At an import it computes the public key, which takes as long as using the key once; so the
 * form lives as long as the array that it was made from, and no longer. Kept beside a copy of the bytes: an array that has changed since is imported anew.
 */
function importedKeys(curve: Curve): (secretKey: Uint8Array) => KeyObject {
  const known = new WeakMap<Uint8Array, { readonly bytes: Uint8Array; readonly key: KeyObject }>()
  return (secretKey) => {
    const before = known.get(secretKey)
    if (before && timingSafeEqual(before.bytes, secretKey)) return before.key
    const key = createPrivateKey({ key: { kty: 'OKP', crv: curve, x: UNUSED_X, d: base64Url(secretKey) }, format: 'jwk' })
    known.set(secretKey, { bytes: secretKey.slice(), key })
    return key
  }
}

/**
 * OpenSSL where it is faster than WebAssembly (X25519, Ed25519), libsodium for the rest. Node 20's BLAKE2b ignores its key without saying so, so it is never used.
 */
export async function nodeProvider(): Promise<CryptoProvider> {
  const sodium = await sodiumProvider()
  const [agreementKey, signingKey] = [importedKeys('X25519'), importedKeys('Ed25519')]
  return {
    ...sodium,
    name: 'node',
    ed25519Sign(secretKey, message) {
      requireLength(secretKey, SIZES.ed25519Secret, 'Ed25519 secret key')
      return new Uint8Array(sign(null, message, signingKey(secretKey)))
    },
    ed25519Verify(signature, message, publicKey) {
      if (signature.length !== SIZES.ed25519Signature || publicKey.length !== SIZES.ed25519Public) return false
      if (!isStrictEd25519Point(publicKey) || !isStrictEd25519Point(signature.subarray(0, 32))) return false
      return verify(null, message, publicKeyObject('Ed25519', publicKey), signature)
    },
    x25519PublicKey(secretKey) {
      requireLength(secretKey, SIZES.x25519, 'X25519 secret key')
      const { x } = createPublicKey(agreementKey(secretKey)).export({ format: 'jwk' })
      return new Uint8Array(Buffer.from(x as string, 'base64url'))
    },
    x25519(secretKey, publicKey) {
      requireLength(secretKey, SIZES.x25519, 'X25519 secret key')
      requireLength(publicKey, SIZES.x25519, 'X25519 public key')
      requireCanonicalX25519(publicKey)
      let shared: Uint8Array
      try {
        shared = diffieHellman({ privateKey: agreementKey(secretKey), publicKey: publicKeyObject('X25519', publicKey) })
      } catch (cause) {
        throw new SecureChatError('crypto/invalid-key', { detail: 'X25519 low order', cause })
      }
      return requireNonZero(new Uint8Array(shared))
    },
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  }
}
