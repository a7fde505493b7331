import { equalSecretBytes, SecureChatError } from '@securechat/protocol/core'
import type Sodium from 'libsodium-wrappers'
import { requireLength, requireMlkemModulus } from './checks.js'
import type { CryptoProvider } from './provider.js'
import { SIZES } from './provider.js'
import { sodiumAgreement } from './sodium-agreement.js'
import { sodiumFastPaths } from './sodium-memory.js'

type SodiumModule = typeof Sodium

function invalidKey(detail: string, cause?: unknown): never {
  throw new SecureChatError('crypto/invalid-key', { detail, cause })
}

/**
 * libsodium compiled to WebAssembly, the default. The module is loaded with `import()`: a CommonJS consumer then gets
 * libsodium's ES module too and not its CommonJS build, which carries a second, pure JavaScript copy (908 KB).
 */
export async function sodiumProvider(): Promise<CryptoProvider> {
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  return fromSodium(sodium)
}

function fromSodium(sodium: SodiumModule): CryptoProvider {
  const fast = sodiumFastPaths(sodium)
  return {
    name: 'libsodium',
    blake2b: fast.blake2b,
    ed25519KeyPair(seed) {
      requireLength(seed, SIZES.ed25519Seed, 'Ed25519 seed')
      const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed)
      return { publicKey, secretKey: privateKey }
    },
    ed25519Sign(secretKey, message) {
      requireLength(secretKey, SIZES.ed25519Secret, 'Ed25519 secret key')
      return sodium.crypto_sign_detached(message, secretKey)
    },
    ed25519Verify(signature, message, publicKey) {
      if (signature.length !== SIZES.ed25519Signature || publicKey.length !== SIZES.ed25519Public) return false
      return sodium.crypto_sign_verify_detached(signature, message, publicKey)
    },
    ...sodiumAgreement(sodium),
    mlkem768KeyPair(seed) {
      requireLength(seed, SIZES.mlkemSeed, 'ML-KEM seed')
      const { publicKey, privateKey } = sodium.crypto_kem_mlkem768_seed_keypair(seed)
      return { publicKey, secretKey: privateKey }
    },
    mlkem768Encapsulate(publicKey, randomness) {
      requireLength(publicKey, SIZES.mlkemPublic, 'ML-KEM public key')
      requireLength(randomness, SIZES.mlkemRandomness, 'ML-KEM randomness')
      requireMlkemModulus(publicKey)
      return sodium.crypto_kem_mlkem768_enc_deterministic(publicKey, randomness)
    },
    mlkem768Decapsulate(ciphertext, secretKey) {
      requireLength(ciphertext, SIZES.mlkemCiphertext, 'ML-KEM ciphertext')
      requireLength(secretKey, SIZES.mlkemSecret, 'ML-KEM secret key')
      // FIPS 203 section 7.3, which libsodium leaves out: dk carries the hash of its ek.
      if (!equalSecretBytes(sodium.crypto_hash_sha3256(secretKey.subarray(1152, 2336)), secretKey.subarray(2336, 2368))) {
        return invalidKey('ML-KEM secret key')
      }
      return sodium.crypto_kem_mlkem768_dec(ciphertext, secretKey)
    },
    aeadSeal: fast.aeadSeal,
    aeadOpen: fast.aeadOpen,
    equal: equalSecretBytes,
  }
}
