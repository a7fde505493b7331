import { gcm } from '@noble/ciphers/aes.js'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { concatBytes, equalPublicBytes, equalSecretBytes, SecureChatError } from '@securechat/protocol/core'
import { isStrictEd25519Point, placed, requireCanonicalX25519, requireLength, requireMlkemModulus, requireNonZero } from './checks.js'
import { CHUNK_CIPHER_SIZES, type ChunkCipher } from './chunk-cipher.js'
import { ed25519, x25519 } from './curves.js'
import { type CryptoProvider, SIZES } from './provider.js'

const { Point } = ed25519
const ORDER = Point.Fn.ORDER

function littleEndian(bytes: Uint8Array): bigint {
  let hex = ''
  for (let i = bytes.length - 1; i >= 0; i--) hex += bytes[i]!.toString(16).padStart(2, '0')
  return BigInt(`0x${hex}`)
}

/**
 * noble's own verification is cofactored; two verifiers that disagree on one signature can be shown different device
 * lists. So the equation is computed here as libsodium does: R must be the bytes of [S]B − [k]A.
 */
function verifyCofactorless(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const r = signature.subarray(0, 32)
  if (!isStrictEd25519Point(publicKey) || !isStrictEd25519Point(r)) return false
  const s = littleEndian(signature.subarray(32))
  if (s >= ORDER) return false
  let a: InstanceType<typeof Point>
  try {
    a = Point.fromBytes(publicKey, false)
  } catch {
    return false // not on the curve: a verdict about the input, as libsodium gives it
  }
  const k = littleEndian(sha512(concatBytes(r, publicKey, message))) % ORDER
  const product = a.negate().multiplyUnsafe(k)
  return equalPublicBytes(Point.BASE.multiplyUnsafe(s).add(product).toBytes(), r)
}

function invalidKey(detail: string, cause: unknown): never {
  throw new SecureChatError('crypto/invalid-key', { detail, cause })
}

/** Pure TypeScript, for engines without WebAssembly and as an independent witness in tests. Not constant-time (threat model). */
export function nobleProvider(): CryptoProvider {
  return {
    name: 'noble',
    blake2b: (length, message, key) => blake2b(message, { dkLen: length, ...(key && { key }) }),
    ed25519KeyPair(seed) {
      requireLength(seed, SIZES.ed25519Seed, 'Ed25519 seed')
      const publicKey = ed25519.getPublicKey(seed)
      return { publicKey, secretKey: concatBytes(seed, publicKey) }
    },
    ed25519Sign(secretKey, message) {
      requireLength(secretKey, SIZES.ed25519Secret, 'Ed25519 secret key')
      return ed25519.sign(message, secretKey.subarray(0, 32))
    },
    ed25519Verify(signature, message, publicKey) {
      if (signature.length !== SIZES.ed25519Signature || publicKey.length !== SIZES.ed25519Public) return false
      return verifyCofactorless(signature, message, publicKey)
    },
    x25519PublicKey(secretKey) {
      requireLength(secretKey, SIZES.x25519, 'X25519 secret key')
      return x25519.getPublicKey(secretKey)
    },
    x25519(secretKey, publicKey) {
      requireLength(secretKey, SIZES.x25519, 'X25519 secret key')
      requireLength(publicKey, SIZES.x25519, 'X25519 public key')
      requireCanonicalX25519(publicKey)
      let shared: Uint8Array
      try {
        shared = x25519.getSharedSecret(secretKey, publicKey)
      } catch (cause) {
        return invalidKey('X25519 low order', cause)
      }
      return requireNonZero(shared)
    },
    mlkem768KeyPair(seed) {
      requireLength(seed, SIZES.mlkemSeed, 'ML-KEM seed')
      return ml_kem768.keygen(Uint8Array.from(seed))
    },
    mlkem768Encapsulate(publicKey, randomness) {
      requireLength(publicKey, SIZES.mlkemPublic, 'ML-KEM public key')
      requireLength(randomness, SIZES.mlkemRandomness, 'ML-KEM randomness')
      requireMlkemModulus(publicKey)
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, Uint8Array.from(randomness))
      return { ciphertext: cipherText, sharedSecret }
    },
    mlkem768Decapsulate(ciphertext, secretKey) {
      requireLength(ciphertext, SIZES.mlkemCiphertext, 'ML-KEM ciphertext')
      requireLength(secretKey, SIZES.mlkemSecret, 'ML-KEM secret key')
      try {
        return ml_kem768.decapsulate(ciphertext, secretKey)
      } catch (cause) {
        return invalidKey('ML-KEM secret key', cause)
      }
    },
    aeadSeal(key, nonce, { data, associatedData, into }) {
      requireLength(key, SIZES.aeadKey, 'AEAD key')
      requireLength(nonce, SIZES.aeadNonce, 'AEAD nonce')
      return placed(xchacha20poly1305(key, nonce, associatedData).encrypt(data), into)
    },
    aeadOpen(key, nonce, { data, associatedData }) {
      requireLength(key, SIZES.aeadKey, 'AEAD key')
      requireLength(nonce, SIZES.aeadNonce, 'AEAD nonce')
      try {
        return xchacha20poly1305(key, nonce, associatedData).decrypt(data)
      } catch (cause) {
        throw new SecureChatError('crypto/authentication-failed', { cause })
      }
    },
    equal: equalSecretBytes,
  }
}

/** AES-256-GCM and SHA-256 without WebCrypto: for runtimes that have none, and as an independent oracle. On the caller's thread, slow, not constant-time. */
export function nobleChunkCipher(): ChunkCipher {
  return {
    name: 'noble',
    async importKey(imported) {
      requireLength(imported, CHUNK_CIPHER_SIZES.key, 'AES key')
      const key = imported.slice()
      return {
        async seal(nonce, plaintext) {
          requireLength(nonce, CHUNK_CIPHER_SIZES.nonce, 'AES-GCM nonce')
          return gcm(key, nonce).encrypt(plaintext)
        },
        async open(nonce, ciphertext) {
          requireLength(nonce, CHUNK_CIPHER_SIZES.nonce, 'AES-GCM nonce')
          try {
            return gcm(key, nonce).decrypt(ciphertext)
          } catch (cause) {
            throw new SecureChatError('crypto/authentication-failed', { detail: 'attachment chunk', cause })
          }
        },
      }
    },
    sha256: async (data) => sha256(data),
  }
}
