/**
 * The primitives of suite 0x01 behind one interface (docs/protocol/01-encodings.md, "Primitives"). Three implementations
 * pass the same vectors and give the same verdict on every input; nothing else in this package touches a library.
 *
 * Inputs of a wrong length throw `crypto/invalid-key`. No function keeps or changes its arguments.
 */
export interface CryptoProvider {
  readonly name: string
  /** RFC 7693. `length` 1 to 64; `key` 1 to 64 bytes. */
  blake2b(length: number, message: Uint8Array, key?: Uint8Array): Uint8Array
  /** RFC 8032. `seed` 32 bytes; the secret key is seed ‖ public key, 64 bytes. */
  ed25519KeyPair(seed: Uint8Array): RawKeyPair
  ed25519Sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array
  /**
   * Cofactorless and strict, as libsodium decides: S below the group order, canonical R and A, neither of small order.
   * False for wrong lengths.
   */
  ed25519Verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  /** RFC 7748, base point. `secretKey` 32 bytes. */
  x25519PublicKey(secretKey: Uint8Array): Uint8Array
  /** RFC 7748. Throws `crypto/invalid-key` for a non-canonical u (high bit included) and for low-order points. */
  x25519(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array
  /** FIPS 203, deterministic: `seed` is d ‖ z, 64 bytes. Public key 1184, secret key 2400 bytes. */
  mlkem768KeyPair(seed: Uint8Array): RawKeyPair
  /** FIPS 203 with given 32 bytes of randomness. Throws `crypto/invalid-key` where the modulus check fails. */
  mlkem768Encapsulate(publicKey: Uint8Array, randomness: Uint8Array): Encapsulation
  /** FIPS 203 with implicit rejection; throws `crypto/invalid-key` for a secret key whose hash check fails. */
  mlkem768Decapsulate(ciphertext: Uint8Array, secretKey: Uint8Array): Uint8Array
  /** XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): key 32, nonce 24; ciphertext ‖ tag 16. */
  aeadSeal(key: Uint8Array, nonce: Uint8Array, message: AeadInput): Uint8Array
  /** Throws `crypto/authentication-failed`. */
  aeadOpen(key: Uint8Array, nonce: Uint8Array, message: AeadInput): Uint8Array
  /** Time depends on the lengths only. */
  equal(a: Uint8Array, b: Uint8Array): boolean
}

export interface RawKeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}
export interface Encapsulation {
  readonly ciphertext: Uint8Array
  readonly sharedSecret: Uint8Array
}
/** `data` is the plaintext when sealing, ciphertext ‖ tag when opening. */
export interface AeadInput {
  readonly data: Uint8Array
  readonly associatedData: Uint8Array
  /** When sealing, instead of new memory: as long as the result, which is put there and returned. May begin where `data` does. */
  readonly into?: Uint8Array
}

/** Lengths in bytes. */
export const SIZES = {
  ed25519Seed: 32,
  ed25519Secret: 64,
  ed25519Public: 32,
  ed25519Signature: 64,
  x25519: 32,
  mlkemSeed: 64,
  mlkemRandomness: 32,
  mlkemPublic: 1184,
  mlkemSecret: 2400,
  mlkemCiphertext: 1088,
  sharedSecret: 32,
  aeadKey: 32,
  aeadNonce: 24,
  aeadTag: 16,
  hash: 64,
} as const
