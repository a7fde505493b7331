import { LABELS, type Random, SecureChatError, T } from '@securechat/protocol/core'
import { expand } from '../kdf/kdf.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'
import { Secret } from '../secret.js'

/** Authenticated encryption of single records under one long-lived key. */
export interface Sealer {
  /** u8 version ‖ nonce 24 ‖ commitment 32 ‖ ciphertext: 73 bytes longer than the plaintext. Never the same twice. */
  seal(plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array
  /** Throws `crypto/authentication-failed` (wrong key, other associated data, changed bytes) or `protocol/unsupported-version`. */
  open(sealed: Uint8Array, associatedData: Uint8Array): Uint8Array
}

export interface SealerDeps {
  readonly provider: Pick<CryptoProvider, 'blake2b' | 'aeadSeal' | 'aeadOpen' | 'equal'>
  readonly random: Random
}

const VERSION = 1
const NONCE = SIZES.aeadNonce
const COMMITMENT = 32
const OVERHEAD = 1 + NONCE + COMMITMENT
const NOTHING = new Uint8Array(0)

/**
 * Random-nonce XChaCha20-Poly1305 with key commitment. One expand over key, nonce and associated data gives the record's key and
 * its commitment, so a record opens under one key and in one place only; 2^64 records stay far from a nonce collision.
 */
export function createSealer({ provider, random }: SealerDeps, key: Uint8Array): Sealer {
  if (key.length !== 32) throw new SecureChatError('crypto/invalid-key', { detail: 'sealing key length' })
  const root = new Secret(key.slice())
  const secrets = (nonce: Uint8Array, associatedData: Uint8Array): { recordKey: Uint8Array; commitment: Uint8Array } => {
    const out = expand(provider, root.expose(), T(LABELS.sealedRecord, nonce, associatedData), 64)
    return { recordKey: out.subarray(0, 32), commitment: out.subarray(32) }
  }
  return {
    seal(plaintext, associatedData) {
      const nonce = random(NONCE)
      const { recordKey, commitment } = secrets(nonce, associatedData)
      const ciphertext = provider.aeadSeal(recordKey, nonce, { data: plaintext, associatedData: NOTHING })
      const out = new Uint8Array(OVERHEAD + ciphertext.length)
      out[0] = VERSION
      out.set(nonce, 1)
      out.set(commitment, 1 + NONCE)
      out.set(ciphertext, OVERHEAD)
      return out
    },
    open(sealed, associatedData) {
      if (sealed.length > 0 && sealed[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'sealed record' })
      const nonce = sealed.subarray(1, 1 + NONCE)
      const { recordKey, commitment } = secrets(nonce, associatedData)
      if (!provider.equal(commitment, sealed.subarray(1 + NONCE, OVERHEAD)))
        throw new SecureChatError('crypto/authentication-failed', { detail: 'sealed record' })
      return provider.aeadOpen(recordKey, nonce, { data: sealed.subarray(OVERHEAD), associatedData: NOTHING })
    },
  }
}
