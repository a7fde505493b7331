import { isSecureChatError } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { chunkCiphers } from '../support/attachments.js'
import { describeVectors, unhex, wycheproofCases } from '../support/vectors.js'

describeVectors('Wycheproof AES-256-GCM', 'wycheproof/aes_gcm_test.json', (data) => {
  // What attachments use: keys of 256 bits, nonces of 96, tags of 128, no associated data.
  const cases = wycheproofCases(data).filter(({ group, vector }) => group.keySize === 256 && group.ivSize === 96 && group.tagSize === 128 && vector.aad === '')

  test('there are cases of both kinds', () => {
    expect(new Set(cases.map(({ vector }) => vector.result))).toEqual(new Set(['valid', 'invalid']))
  })

  test.each(chunkCiphers)('$name', async (cipher) => {
    for (const { vector } of cases) {
      const [nonce, message, sealed] = [vector.iv, vector.msg, `${vector.ct}${vector.tag}`].map((text) => unhex(text as string)) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ]
      const key = await cipher.importKey(unhex(vector.key as string))
      const opened = await key.open(nonce, sealed).catch((error: unknown) => {
        if (!isSecureChatError(error, 'crypto/authentication-failed')) throw error
        return null
      })
      if (vector.result === 'valid') {
        expect(opened, `case ${vector.tcId}`).toEqual(message)
        expect(await key.seal(nonce, message), `case ${vector.tcId}`).toEqual(sealed)
      } else expect(opened, `case ${vector.tcId}`).toBeNull()
    }
  })
})

test.each(chunkCiphers)('$name: SHA-256 of FIPS 180-4', async (cipher) => {
  const digest = async (text: string) => Buffer.from(await cipher.sha256(new TextEncoder().encode(text))).toString('hex')
  expect(await digest('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(await digest('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})
