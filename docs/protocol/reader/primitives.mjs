// 01 Encodings, "Primitives" and "KDF": the primitives come from Node's OpenSSL and from @noble, nothing from this project's packages.
import { createPrivateKey, createPublicKey, diffieHellman, verify } from 'node:crypto'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { concat, idText, refuse, same, T, uint } from './bytes.mjs'

export const H = (message, key, length = 64) => blake2b(message, { dkLen: length, ...(key && { key }) })

/** expand(prk, info, length): B1 ‖ B2 ‖ …, Bi = H(key = prk, T("SC1/expand", info, u16 length, u8 i)) */
export function expand(prk, info, length) {
  if (prk.length !== 32 && prk.length !== 64) refuse('prk length')
  const blocks = []
  for (let i = 1; blocks.length * 64 < length; i++) blocks.push(H(T('SC1/expand', info, uint(2, length), uint(1, i)), prk))
  return concat(...blocks).subarray(0, length)
}
export function kdf(salt, ikm, info, length) {
  if (salt.length !== 32 && salt.length !== 64) refuse('salt length')
  return expand(H(ikm, salt), info, length)
}

const publicObject = (crv, bytes) => createPublicKey({ key: { kty: 'OKP', crv, x: idText(bytes) }, format: 'jwk' })
/** OpenSSL derives the public half itself; `x` has to be there, whatever it says. */
const privateObject = (crv, bytes) => createPrivateKey({ key: { kty: 'OKP', crv, x: idText(new Uint8Array(32).fill(9)), d: idText(bytes) }, format: 'jwk' })
const publicOf = (crv, secret) => new Uint8Array(Buffer.from(createPublicKey(privateObject(crv, secret)).export({ format: 'jwk' }).x, 'base64url'))

export const ed25519PublicKey = (seed) => publicOf('Ed25519', seed)
export const x25519PublicKey = (secret) => publicOf('X25519', secret)

export function verifySignature(publicKey, message, signature, what) {
  if (signature.length !== 64 || !verify(null, message, publicObject('Ed25519', publicKey), signature)) refuse(`signature of ${what}`)
}

export function x25519(secret, publicKey) {
  if ((publicKey[31] & 0x80) !== 0) refuse('X25519 key with its high bit set')
  return new Uint8Array(diffieHellman({ privateKey: privateObject('X25519', secret), publicKey: publicObject('X25519', publicKey) }))
}

/** `seed` is d ‖ z. */
export const kemKeys = (seed) => ml_kem768.keygen(seed)
export const kemEncapsulate = (publicKey, randomness) => ml_kem768.encapsulate(publicKey, randomness)
export const kemDecapsulate = (ciphertext, secretKey) => ml_kem768.decapsulate(ciphertext, secretKey)

/** XChaCha20-Poly1305; the tag is at the end. */
export function aeadOpen(key, nonce, ciphertext, associatedData = new Uint8Array(0)) {
  try {
    return xchacha20poly1305(key, nonce, associatedData).decrypt(ciphertext)
  } catch {
    return refuse('AEAD tag')
  }
}

/** "Committing encryption": the commitment is compared before anything is decrypted. */
export function requireCommitment(computed, received) {
  if (!same(computed, received)) refuse('key commitment')
}
