import { LABELS, SecureChatError, transientBytes, transientT, viewOf } from '@securechat/protocol/core'
import { expandInto } from '../kdf/kdf.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'
import type { Secret } from '../secret.js'

type Provider = Pick<CryptoProvider, 'blake2b' | 'aeadSeal' | 'aeadOpen' | 'equal'>

const COMMITMENT = 32
/** Bytes that `sealCommittingInto` adds to a plaintext. */
export const COMMITTING_OVERHEAD = COMMITMENT + SIZES.aeadTag

interface MessageSecrets {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly commitment: Uint8Array
  readonly adHash: Uint8Array
  /** The memory of the first three, to be erased. */
  readonly all: Uint8Array
}

/** key 32 ‖ nonce 24 ‖ commitment 32 = expand(mk, T("SC1/msg", BLAKE2b-512(AD)), 88). */
function messageSecrets(provider: Provider, messageKey: Secret, ad: Uint8Array): MessageSecrets {
  const adHash = provider.blake2b(64, ad)
  const all = expandInto(provider, messageKey.expose(), transientT(LABELS.message, adHash), transientBytes(88))
  return { key: viewOf(all, 0, 32), nonce: viewOf(all, 32, 56), commitment: viewOf(all, 56, 88), adHash, all }
}

export interface Sealed {
  readonly keyCommitment: Uint8Array
  readonly ciphertext: Uint8Array
}

/**
 * XChaCha20-Poly1305 alone lets one ciphertext open under two keys. Here the keys depend on the whole header (so that a rolled-back
 * store does not use a nonce twice) and the commitment fixes mk and AD (docs/protocol/04-ratchet.md, "Message keys").
 */
export function sealCommitting(provider: Provider, messageKey: Secret, { ad, plaintext }: { readonly ad: Uint8Array; readonly plaintext: Uint8Array }): Sealed {
  const sealed = new Uint8Array(plaintext.length + COMMITTING_OVERHEAD)
  sealed.set(plaintext, COMMITMENT)
  sealCommittingInto(provider, messageKey, { ad, sealed })
  return { keyCommitment: viewOf(sealed, 0, COMMITMENT), ciphertext: viewOf(sealed, COMMITMENT, sealed.length) }
}

/** In place: `sealed` is 32 bytes ‖ the plaintext ‖ 16 bytes, and becomes commitment ‖ ciphertext. After a throw it still holds the plaintext. */
export function sealCommittingInto(provider: Provider, messageKey: Secret, { ad, sealed }: { readonly ad: Uint8Array; readonly sealed: Uint8Array }): void {
  const { key, nonce, commitment, adHash, all } = messageSecrets(provider, messageKey, ad)
  sealed.set(commitment)
  const data = viewOf(sealed, COMMITMENT, sealed.length - SIZES.aeadTag)
  provider.aeadSeal(key, nonce, { data, associatedData: adHash, into: viewOf(sealed, COMMITMENT, sealed.length) })
  all.fill(0)
}

/** The commitment is compared in constant time before anything is decrypted. Throws `crypto/authentication-failed`. */
export function openCommitting(provider: Provider, messageKey: Secret, message: { readonly ad: Uint8Array } & Sealed): Uint8Array {
  const { key, nonce, commitment, adHash, all } = messageSecrets(provider, messageKey, message.ad)
  try {
    if (!provider.equal(commitment, message.keyCommitment)) throw new SecureChatError('crypto/authentication-failed', { detail: 'key commitment' })
    return provider.aeadOpen(key, nonce, { data: message.ciphertext, associatedData: adHash })
  } finally {
    all.fill(0)
  }
}
