import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Sealer } from '../src/index.js'

/** RFC 8439 with a random nonce: the store's own tests may not import the crypto package. */
export function chachaSealer(key: Uint8Array): Sealer {
  const options = { authTagLength: 16 } as const
  return {
    seal(plaintext, associatedData) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('chacha20-poly1305', key, nonce, options).setAAD(associatedData, { plaintextLength: plaintext.length })
      return Uint8Array.from(Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]))
    },
    open(sealed, associatedData) {
      const end = sealed.length - 16
      const decipher = createDecipheriv('chacha20-poly1305', key, sealed.subarray(0, 12), options)
      decipher.setAAD(associatedData, { plaintextLength: end - 12 }).setAuthTag(sealed.subarray(end))
      return Uint8Array.from(Buffer.concat([decipher.update(sealed.subarray(12, end)), decipher.final()]))
    },
  }
}
