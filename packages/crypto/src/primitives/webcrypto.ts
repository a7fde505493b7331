import { SecureChatError } from '@securechat/protocol/core'
import { requireLength } from './checks.js'
import { type ChunkCipher, type ChunkKey, CHUNK_CIPHER_SIZES as SIZES } from './chunk-cipher.js'

/** The part of SubtleCrypto that is used, so that a polyfill of it will do. */
export type SubtleForChunks = Pick<SubtleCrypto, 'importKey' | 'encrypt' | 'decrypt' | 'digest'>

const ALGORITHM = 'AES-GCM'

// The declarations ask for bytes that are not in shared memory; every runtime checks that itself.
const bytesOf = (data: Uint8Array): Uint8Array<ArrayBuffer> => data as Uint8Array<ArrayBuffer>

/**
 * The platform's own AES-GCM and SHA-256: hardware instructions, on other threads. Browsers have it in secure contexts only (https and
 * localhost); where it is missing, `client/invalid-argument` is thrown and `nobleChunkCipher` does the same work slowly.
 */
export function webCryptoChunkCipher(subtle: SubtleForChunks | undefined = globalThis.crypto?.subtle): ChunkCipher {
  if (!subtle) throw new SecureChatError('client/invalid-argument', { detail: 'WebCrypto is missing' })
  return {
    name: 'webcrypto',
    async importKey(key) {
      requireLength(key, SIZES.key, 'AES key')
      return chunkKey(subtle, await subtle.importKey('raw', bytesOf(key), ALGORITHM, false, ['encrypt', 'decrypt']))
    },
    sha256: async (data) => new Uint8Array(await subtle.digest('SHA-256', bytesOf(data))),
  }
}

function chunkKey(subtle: SubtleForChunks, key: CryptoKey): ChunkKey {
  // 128 bits of tag are WebCrypto's default too; said here because shorter ones exist.
  const parameters = (nonce: Uint8Array): AesGcmParams => ({ name: ALGORITHM, iv: bytesOf(nonce), tagLength: 8 * SIZES.tag })
  return {
    async seal(nonce, plaintext) {
      requireLength(nonce, SIZES.nonce, 'AES-GCM nonce')
      return new Uint8Array(await subtle.encrypt(parameters(nonce), key, bytesOf(plaintext)))
    },
    async open(nonce, ciphertext) {
      requireLength(nonce, SIZES.nonce, 'AES-GCM nonce')
      try {
        return new Uint8Array(await subtle.decrypt(parameters(nonce), key, bytesOf(ciphertext)))
      } catch (cause) {
        throw new SecureChatError('crypto/authentication-failed', { detail: 'attachment chunk', cause })
      }
    },
  }
}
