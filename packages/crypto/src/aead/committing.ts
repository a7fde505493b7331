import { LABELS, SecureChatError, transientBytes, transientT } from '@securechat/protocol'
import { expandInto } from '../kdf/kdf.js'
import type { CryptoProvider } from '../primitives/provider.js'
import type { Secret } from '../secret.js'

type Provider = Pick<CryptoProvider, 'blake2b' | 'aeadSeal' | 'aeadOpen' | 'equal'>

interface MessageSecrets {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly commitment: Uint8Array
  readonly adHash: Uint8Array
}

/** key 32 ‖ nonce 24 ‖ commitment 32 = expand(mk, T("SC1/msg", BLAKE2b-512(AD)), 88). */
function messageSecrets(provider: Provider, messageKey: Secret, ad: Uint8Array): MessageSecrets {
  const adHash = provider.blake2b(64, ad)
  const out = expandInto(provider, messageKey.expose(), transientT(LABELS.message, adHash), transientBytes(88))
  return { key: out.subarray(0, 32), nonce: out.subarray(32, 56), commitment: out.subarray(56), adHash }
}

export interface Sealed {
  readonly keyCommitment: Uint8Array
  readonly ciphertext: Uint8Array
}

/**
 * XChaCha20-Poly1305 alone lets one ciphertext open under two keys. Here the keys depend on the whole header (so that a rolled-back
 * store does not use a nonce twice) and the commitment fixes mk and AD (docs/protocol/04-ratchet.md, "Message keys").
 */
export function sealCommitting(provider: Provider, messageKey: Secret, message: { readonly ad: Uint8Array; readonly plaintext: Uint8Array }): Sealed {
  const { key, nonce, commitment, adHash } = messageSecrets(provider, messageKey, message.ad)
  return { keyCommitment: commitment, ciphertext: provider.aeadSeal(key, nonce, { data: message.plaintext, associatedData: adHash }) }
}

/** The commitment is compared in constant time before anything is decrypted. Throws `crypto/authentication-failed`. */
export function openCommitting(provider: Provider, messageKey: Secret, message: { readonly ad: Uint8Array } & Sealed): Uint8Array {
  const { key, nonce, commitment, adHash } = messageSecrets(provider, messageKey, message.ad)
  if (!provider.equal(commitment, message.keyCommitment)) throw new SecureChatError('crypto/authentication-failed', { detail: 'key commitment' })
  return provider.aeadOpen(key, nonce, { data: message.ciphertext, associatedData: adHash })
}
