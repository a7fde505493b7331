import { SecureChatError, viewOf } from '@securechat/protocol/core'
import type Sodium from 'libsodium-wrappers'
import { placed, requireLength } from './checks.js'
import { type AeadInput, type CryptoProvider, SIZES } from './provider.js'
import { reservePlaces } from './sodium-places.js'

/** What is used of the module under libsodium's wrappers: its memory and three functions of its C interface. Pointers are byte offsets into `HEAPU8`. */
interface SodiumMemory {
  /** Replaced when the memory grows: read it anew at every call. */
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _crypto_generichash(out: number, outLength: number, message: number, lengthLow: number, lengthHigh: number, key: number, keyLength: number): number
  _crypto_aead_xchacha20poly1305_ietf_encrypt(
    ciphertext: number,
    ciphertextLength: number,
    message: number,
    messageLow: number,
    messageHigh: number,
    ad: number,
    adLow: number,
    adHigh: number,
    secretNonce: number,
    nonce: number,
    key: number,
  ): number
  _crypto_aead_xchacha20poly1305_ietf_decrypt(
    message: number,
    messageLength: number,
    secretNonce: number,
    ciphertext: number,
    ciphertextLow: number,
    ciphertextHigh: number,
    ad: number,
    adLow: number,
    adHigh: number,
    nonce: number,
    key: number,
  ): number
}

type FastPaths = Pick<CryptoProvider, 'blake2b' | 'aeadSeal' | 'aeadOpen'>

/** Longer inputs go through the wrappers, where the cost of a call no longer counts. */
const LONGEST = 4096
const LONGEST_KEY = 64
const LONGEST_HASH = 64
const NONCE = 32
const TAG = SIZES.aeadTag
const NONE = 0

/**
 * The three calls of every message without the wrappers' allocations: the inputs are copied into one fixed place of the module's memory, which is wiped
 * after each call. What is secret lies side by side, and a message is encrypted and decrypted where it lies, so that wiping is one call.
 */
export function sodiumFastPaths(sodium: typeof Sodium): FastPaths {
  const memory = (sodium as unknown as { libsodium: SodiumMemory }).libsodium
  const sizes = [LONGEST, NONCE, LONGEST_HASH, LONGEST_KEY, LONGEST + TAG]
  const [ad, nonce, hash, key, data] = reservePlaces(memory, sizes) as [number, number, number, number, number]

  function place(aeadKey: Uint8Array, aeadNonce: Uint8Array, message: AeadInput): void {
    const heap = memory.HEAPU8
    heap.set(message.associatedData, ad)
    heap.set(aeadNonce, nonce)
    heap.set(aeadKey, key)
    heap.set(message.data, data)
  }
  const fits = (message: AeadInput): boolean => message.data.length <= LONGEST && message.associatedData.length <= LONGEST

  return {
    blake2b(length, message, hashKey) {
      const keyLength = hashKey === undefined ? 0 : hashKey.length
      if (message.length > LONGEST || keyLength > LONGEST_KEY || length > LONGEST_HASH || length < 1)
        return sodium.crypto_generichash(length, message, hashKey ?? null)
      const heap = memory.HEAPU8
      if (hashKey !== undefined) heap.set(hashKey, key)
      heap.set(message, data)
      memory._crypto_generichash(hash, length, data, message.length, 0, key, keyLength)
      const after = memory.HEAPU8
      const digest = after.slice(hash, hash + length)
      after.fill(0, hash, data + message.length)
      return digest
    },
    aeadSeal(aeadKey, aeadNonce, message) {
      requireLength(aeadKey, SIZES.aeadKey, 'AEAD key')
      requireLength(aeadNonce, SIZES.aeadNonce, 'AEAD nonce')
      const { length } = message.data
      if (!fits(message))
        return placed(sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(message.data, message.associatedData, null, aeadNonce, aeadKey), message.into)
      const into = message.into ?? new Uint8Array(length + TAG)
      requireLength(into, length + TAG, 'output length')
      place(aeadKey, aeadNonce, message)
      memory._crypto_aead_xchacha20poly1305_ietf_encrypt(data, NONE, data, length, 0, ad, message.associatedData.length, 0, NONE, nonce, key)
      const heap = memory.HEAPU8
      into.set(viewOf(heap, data, data + length + TAG))
      // The message became the ciphertext where it lay.
      heap.fill(0, key, data)
      return into
    },
    aeadOpen(aeadKey, aeadNonce, message) {
      requireLength(aeadKey, SIZES.aeadKey, 'AEAD key')
      requireLength(aeadNonce, SIZES.aeadNonce, 'AEAD nonce')
      const { length } = message.data
      if (!fits(message)) return openWrapped(aeadKey, aeadNonce, message)
      place(aeadKey, aeadNonce, message)
      const refused = memory._crypto_aead_xchacha20poly1305_ietf_decrypt(data, NONE, NONE, data, length, 0, ad, message.associatedData.length, 0, nonce, key)
      const heap = memory.HEAPU8
      const plaintext = refused === 0 ? heap.slice(data, data + length - TAG) : null
      heap.fill(0, key, data + length)
      if (!plaintext) throw new SecureChatError('crypto/authentication-failed')
      return plaintext
    },
  }

  function openWrapped(aeadKey: Uint8Array, aeadNonce: Uint8Array, message: AeadInput): Uint8Array {
    try {
      return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, message.data, message.associatedData, aeadNonce, aeadKey)
    } catch (cause) {
      throw new SecureChatError('crypto/authentication-failed', { cause })
    }
  }
}
