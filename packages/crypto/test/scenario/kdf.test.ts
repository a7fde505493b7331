import { concatBytes, LABELS, T, u8, u16 } from '@securechat/protocol/core'
import { expect, test } from 'vitest'
import { expand, kdf } from '../../src/kdf/kdf.js'
import { codeOf } from '../support/codes.js'
import { providers } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const random = seededRandom(9)
const info = T(LABELS.message, Uint8Array.of(1, 2, 3))

test.each(providers)('$name: as many blocks as it takes, each with the whole length and its own number', (provider) => {
  const prk = random(64)
  for (const length of [1, 63, 64, 65, 128, 255, 256, 300, 255 * 64]) {
    const block = (i: number): Uint8Array => provider.blake2b(64, T(LABELS.expand, info, u16(length), u8(i)), prk)
    const blocks = Array.from({ length: Math.ceil(length / 64) }, (_, i) => block(i + 1))
    expect([length, expand(provider, prk, info, length)]).toEqual([length, concatBytes(...blocks).slice(0, length)])
  }
  const salt = random(32)
  expect(kdf(provider, { salt, ikm: prk, info }, 80)).toEqual(expand(provider, provider.blake2b(64, prk, salt), info, 80))
})

test.each(providers)('$name: keys of 32 or 64 bytes, and no more than 255 blocks', (provider) => {
  for (const length of [0, 255 * 64 + 1]) expect(codeOf(() => expand(provider, random(32), info, length))).toBe('client/invalid-argument')
  for (const length of [0, 31, 33, 63, 65]) {
    expect(codeOf(() => expand(provider, random(length), info, 32))).toBe('crypto/invalid-key')
    expect(codeOf(() => kdf(provider, { salt: random(length), ikm: info, info }, 32))).toBe('crypto/invalid-key')
  }
})
