import { concatBytes } from '@securechat/protocol/core'
import { CHUNK_CIPHER_SIZES, type ChunkCipher } from '../primitives/chunk-cipher.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'
import type { VectorCase, VectorSet } from './case.js'
import { type WycheproofCase, wycheproof, wycheproofCases } from './wycheproof.js'

const utf8 = new TextEncoder()

export const AEAD_VECTORS: readonly VectorSet<CryptoProvider>[] = [
  {
    name: 'RFC 7693, BLAKE2b',
    plan: () => ({
      cases: [
        {
          id: 'appendix A: "abc"',
          expected: 'ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923',
          run: (provider) => provider.blake2b(64, utf8.encode('abc')),
        },
      ],
      notApplicable: [],
    }),
  },
  wycheproof<CryptoProvider>('XChaCha20-Poly1305', 'xchacha20_poly1305_test.json', ({ result, bytes, text }) => {
    const [key, nonce, associatedData, plaintext] = [bytes('key'), bytes('iv'), bytes('aad'), bytes('msg')]
    const sealed = concatBytes(bytes('ct'), bytes('tag'))
    const refusal = nonce.length === SIZES.aeadNonce ? 'crypto/authentication-failed' : 'crypto/invalid-key'
    return {
      expected: result === 'valid' ? text('ct') + text('tag') + text('msg') : refusal,
      run(provider) {
        const opened = provider.aeadOpen(key, nonce, { data: sealed, associatedData })
        return concatBytes(provider.aeadSeal(key, nonce, { data: plaintext, associatedData }), opened)
      },
    }
  }),
]

/** Another length of key or nonce than attachments have must be refused, whatever the vector says of it. */
function aesGcmCase({ tcId, result, bytes, text }: WycheproofCase): VectorCase<ChunkCipher> {
  const ours = bytes('key').length === CHUNK_CIPHER_SIZES.key && bytes('iv').length === CHUNK_CIPHER_SIZES.nonce
  const valid = text('ct') + text('tag') + text('msg')
  return {
    id: `tcId ${tcId}`,
    expected: !ours ? 'crypto/invalid-key' : result === 'valid' ? valid : 'crypto/authentication-failed',
    async run(cipher) {
      const key = await cipher.importKey(bytes('key'))
      const opened = await key.open(bytes('iv'), concatBytes(bytes('ct'), bytes('tag')))
      return concatBytes(await key.seal(bytes('iv'), bytes('msg')), opened)
    },
  }
}

const sha256Case = (message: string, expected: string): VectorCase<ChunkCipher> => ({
  id: `SHA-256 of "${message}"`,
  expected,
  run: (cipher) => cipher.sha256(utf8.encode(message)),
})

export const CHUNK_CIPHER_VECTORS: readonly VectorSet<ChunkCipher>[] = [
  {
    name: 'FIPS 180-4, SHA-256',
    plan: () => ({
      cases: [
        sha256Case('', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'),
        sha256Case('abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
      ],
      notApplicable: [],
    }),
  },
  {
    name: 'Wycheproof AES-GCM',
    file: 'wycheproof/aes_gcm_test.json',
    plan(data) {
      const all = wycheproofCases(data)
      const applied = all.filter(({ text, bytes }) => text('aad') === '' || bytes('key').length !== CHUNK_CIPHER_SIZES.key)
      return {
        cases: applied.map(aesGcmCase),
        notApplicable: [{ count: all.length - applied.length, reason: 'associated data, of which attachments have none' }],
      }
    },
  },
]
