import { LABELS, T } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { openCommitting } from '../../src/aead/committing.js'
import { createSealer } from '../../src/aead/sealer.js'
import { expand } from '../../src/kdf/kdf.js'
import { Secret } from '../../src/secret.js'
import { codeOf } from '../support/codes.js'
import { bytesOf, NOTHING } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'
import { twoKeyCiphertext } from '../support/two-keys.js'

const random = seededRandom(29)
const [keyOne, keyTwo] = [random(32), random(32)]

test('attack 29: a message that the cipher opens under two keys is opened under the committed one only', () => {
  const ad = bytesOf('header')
  const adHash = sodium.blake2b(64, ad)
  const derive = (messageKey: Uint8Array) => {
    const out = expand(sodium, messageKey, T(LABELS.message, adHash), 88)
    return { key: out.subarray(0, 32), nonce: out.subarray(32, 56), commitment: out.subarray(56) }
  }
  const [one, two] = [derive(keyOne), derive(keyTwo)]
  const ciphertext = twoKeyCiphertext([one, two], adHash)
  const [textOne, textTwo] = [one, two].map(({ key, nonce }) => sodium.aeadOpen(key, nonce, { data: ciphertext, associatedData: adHash }))
  expect(textOne).not.toEqual(textTwo)

  const message = { ad, keyCommitment: one.commitment, ciphertext }
  expect(openCommitting(sodium, new Secret(keyOne.slice()), message)).toEqual(textOne)
  expect(codeOf(() => openCommitting(sodium, new Secret(keyTwo.slice()), message))).toBe('crypto/authentication-failed')
})

test('attack 29: a sealed record that the cipher opens under two keys is opened under the committed one only', () => {
  const [ad, nonce] = [bytesOf('table/key'), random(24)]
  const derive = (root: Uint8Array) => {
    const out = expand(sodium, root, T(LABELS.sealedRecord, nonce, ad), 64)
    return { key: out.subarray(0, 32), nonce, commitment: out.subarray(32) }
  }
  const [one, two] = [derive(keyOne), derive(keyTwo)]
  const ciphertext = twoKeyCiphertext([one, two], NOTHING)
  const [textOne, textTwo] = [one, two].map(({ key }) => sodium.aeadOpen(key, nonce, { data: ciphertext, associatedData: NOTHING }))
  expect(textOne).not.toEqual(textTwo)

  const sealed = Uint8Array.from([1, ...nonce, ...one.commitment, ...ciphertext])
  const open = (root: Uint8Array) => createSealer({ provider: sodium, random }, root).open(sealed, ad)
  expect(open(keyOne)).toEqual(textOne)
  expect(codeOf(() => open(keyTwo))).toBe('crypto/authentication-failed')
})
