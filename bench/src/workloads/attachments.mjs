import { randomBytes } from 'node:crypto'
import * as matrix from '@matrix-org/matrix-sdk-crypto-wasm'
import { decryptAttachment, encryptAttachment, webCryptoChunkCipher } from '../../../packages/crypto/dist/attachment.js'
import { signal } from '../contenders/libsignal.mjs'
import { cryptoDeps } from '../contenders/securechat.mjs'
import { expectSame, timed } from '../rounds.mjs'

const SIZE = 64 * 2 ** 20
const content = new Uint8Array(randomBytes(SIZE))

const collecting = () => {
  const pieces = []
  return { pieces, sink: { write: (bytes) => void pieces.push(bytes), commit() {}, abort() {} } }
}

/** From and to memory; as a stream, so that the same code does files that do not fit in it. */
const ours = async () => {
  const deps = { ...(await cryptoDeps()), cipher: webCryptoChunkCipher() }
  return {
    async run(n) {
      const times = { 'attachment, encrypt': 0, 'attachment, decrypt': 0 }
      for (let i = 0; i < n; i++) {
        const sealed = collecting()
        const opened = collecting()
        let descriptor
        times['attachment, encrypt'] += await timed(async () => {
          descriptor = await encryptAttachment(deps, { content, to: sealed.sink, mediaType: 'application/octet-stream' })
        })
        times['attachment, decrypt'] += await timed(() => decryptAttachment(deps, { descriptor, from: sealed.pieces, to: opened.sink }))
        expectSame(Buffer.concat(opened.pieces), content)
      }
      return times
    },
  }
}

/** The cipher that libsignal's clients have for content: AES-256-GCM-SIV, whole buffers. */
const libsignal = async () => {
  const cipher = signal.Aes256GcmSiv.new(randomBytes(32))
  const nothing = new Uint8Array(0)
  return {
    async run(n) {
      const times = { 'attachment, encrypt': 0, 'attachment, decrypt': 0 }
      for (let i = 0; i < n; i++) {
        const nonce = randomBytes(12)
        let sealed
        let opened
        times['attachment, encrypt'] += await timed(() => {
          sealed = cipher.encrypt(content, nonce, nothing)
        })
        times['attachment, decrypt'] += await timed(() => {
          opened = cipher.decrypt(sealed, nonce, nothing)
        })
        expectSame(opened, content)
      }
      return times
    },
  }
}

const matrixSdk = async () => {
  await matrix.initAsync()
  return {
    async run(n) {
      const times = { 'attachment, encrypt': 0, 'attachment, decrypt': 0 }
      for (let i = 0; i < n; i++) {
        let sealed
        let opened
        times['attachment, encrypt'] += await timed(() => {
          sealed = matrix.Attachment.encrypt(content)
        })
        times['attachment, decrypt'] += await timed(() => {
          opened = matrix.Attachment.decrypt(sealed)
        })
        expectSame(opened, content)
        sealed.free()
      }
      return times
    },
  }
}

export default [
  {
    name: 'attachments',
    title: 'A file of 64 MiB',
    note: 'SecureChat: AES-256-GCM in chunks with a hash of the ciphertext; libsignal-client: its AES-256-GCM-SIV, no hash; matrix-sdk: AES-CTR with SHA-256.',
    unit: 'file',
    batch: 1,
    bytes: SIZE,
    contenders: { SecureChat: ours, 'libsignal-client': libsignal, 'matrix-sdk': matrixSdk },
    goals: {
      'attachment, encrypt': { SecureChat: { 'libsignal-client': 2, 'matrix-sdk': 7 } },
      'attachment, decrypt': { SecureChat: { 'libsignal-client': 1.3, 'matrix-sdk': 7 } },
    },
  },
]
