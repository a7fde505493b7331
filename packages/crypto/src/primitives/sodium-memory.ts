import { SecureChatError } from '@securechat/protocol'
import type Sodium from 'libsodium-wrappers'
import { requireLength } from './checks.js'
import { type CryptoProvider, SIZES } from './provider.js'

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
const KEY = 64
const NONCE = 32
const TAG = SIZES.aeadTag
const NONE = 0

/**
 * The three calls of every message without the wrappers' allocations: the inputs are copied into one fixed place of the module's memory, which is wiped
 * after each call. About a third of the time of a message, measured.
 */
export function sodiumFastPaths(sodium: typeof Sodium): FastPaths {
  const memory = (sodium as unknown as { libsodium: SodiumMemory }).libsodium
  const key = memory._malloc(KEY + NONCE + 3 * (LONGEST + TAG))
  const nonce = key + KEY
  const ad = nonce + NONCE
  const input = ad + LONGEST + TAG
  const output = input + LONGEST + TAG

  function place(at: number, bytes: Uint8Array): void {
    memory.HEAPU8.set(bytes, at)
  }
  /** Copies the output out and leaves nothing behind of key, input and output. */
  function take(length: number, inputLength: number): Uint8Array {
    const heap = memory.HEAPU8
    const result = heap.slice(output, output + length)
    heap.fill(0, key, ad)
    heap.fill(0, input, input + inputLength)
    heap.fill(0, output, output + length)
    return result
  }

  function blake2b(length: number, message: Uint8Array, hashKey?: Uint8Array): Uint8Array {
    const keyLength = hashKey?.length ?? 0
    if (message.length > LONGEST || keyLength > 64 || length > 64 || length < 1) return sodium.crypto_generichash(length, message, hashKey ?? null)
    if (hashKey) place(key, hashKey)
    place(input, message)
    memory._crypto_generichash(output, length, input, message.length, 0, keyLength > 0 ? key : NONE, keyLength)
    return take(length, message.length)
  }

  const fits = (data: Uint8Array, associatedData: Uint8Array): boolean => data.length <= LONGEST && associatedData.length <= LONGEST

  return {
    blake2b,
    aeadSeal(aeadKey, aeadNonce, { data, associatedData }) {
      requireLength(aeadKey, SIZES.aeadKey, 'AEAD key')
      requireLength(aeadNonce, SIZES.aeadNonce, 'AEAD nonce')
      if (!fits(data, associatedData)) return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(data, associatedData, null, aeadNonce, aeadKey)
      place(key, aeadKey)
      place(nonce, aeadNonce)
      place(ad, associatedData)
      place(input, data)
      memory._crypto_aead_xchacha20poly1305_ietf_encrypt(output, NONE, input, data.length, 0, ad, associatedData.length, 0, NONE, nonce, key)
      return take(data.length + TAG, data.length)
    },
    aeadOpen(aeadKey, aeadNonce, { data, associatedData }) {
      requireLength(aeadKey, SIZES.aeadKey, 'AEAD key')
      requireLength(aeadNonce, SIZES.aeadNonce, 'AEAD nonce')
      if (data.length < TAG) throw new SecureChatError('crypto/authentication-failed')
      if (!fits(data, associatedData)) return openWrapped(aeadKey, aeadNonce, { data, associatedData })
      place(key, aeadKey)
      place(nonce, aeadNonce)
      place(ad, associatedData)
      place(input, data)
      const refused = memory._crypto_aead_xchacha20poly1305_ietf_decrypt(output, NONE, NONE, input, data.length, 0, ad, associatedData.length, 0, nonce, key)
      const plaintext = take(data.length - TAG, data.length)
      if (refused !== 0) throw new SecureChatError('crypto/authentication-failed')
      return plaintext
    },
  }

  function openWrapped(aeadKey: Uint8Array, aeadNonce: Uint8Array, { data, associatedData }: { data: Uint8Array; associatedData: Uint8Array }): Uint8Array {
    try {
      return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, data, associatedData, aeadNonce, aeadKey)
    } catch (cause) {
      throw new SecureChatError('crypto/authentication-failed', { cause })
    }
  }
}
