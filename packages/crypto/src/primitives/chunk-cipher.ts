/**
 * What attachments need besides a `CryptoProvider` (docs/protocol/10-attachments.md, suite 0x03). Asynchronous, so that the platform can work
 * beside the caller. No function changes its arguments; the caller leaves them alone until the promise settles.
 */
export interface ChunkCipher {
  readonly name: string
  /** AES-256: `key` is 32 bytes, else `crypto/invalid-key`. */
  importKey(key: Uint8Array): Promise<ChunkKey>
  /** FIPS 180-4. */
  sha256(data: Uint8Array): Promise<Uint8Array>
}

export interface ChunkKey {
  /** AES-256-GCM (NIST SP 800-38D) without associated data; `nonce` is 12 bytes. Resolves to ciphertext ‖ tag 16 in memory that is the caller's. */
  seal(nonce: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>
  /** Rejects with `crypto/authentication-failed`. */
  open(nonce: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array>
}

export const CHUNK_CIPHER_SIZES = { key: 32, nonce: 12, tag: 16, hash: 32 } as const
