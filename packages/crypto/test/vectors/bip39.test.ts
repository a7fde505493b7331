import { mnemonicToSeedSync } from '@scure/bip39'
import { isSecureChatError } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { parseRecoveryWords, recoveryWords } from '../../src/recovery/index.js'
import { Secret } from '../../src/secret.js'
import { codeOf } from '../support/codes.js'
import { describeVectors, unhex } from '../support/vectors.js'

type Vector = readonly [entropy: string, words: string, seed: string, xprv: string]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describeVectors('BIP39, English', 'bip39/vectors.json', (data) => {
  const vectors = (data as { english: readonly Vector[] }).english
  const ours = vectors.filter(([entropy]) => entropy.length === 64)
  const others = vectors.filter(([entropy]) => entropy.length !== 64)

  test(`${ours.length} vectors of 24 words, both ways`, () => {
    expect(ours).toHaveLength(8)
    for (const [entropy, words] of ours) {
      expect(recoveryWords(new Secret(unhex(entropy))).join(' ')).toBe(words)
      expect(hex(parseRecoveryWords(words).expose())).toBe(entropy)
    }
  })

  test(`${others.length} vectors of 12 and 18 words are refused`, () => {
    expect(others).toHaveLength(16)
    for (const [entropy, words] of others) {
      expect(codeOf(() => parseRecoveryWords(words))).toBe('client/invalid-argument')
      expect(codeOf(() => recoveryWords(new Secret(unhex(entropy))))).toBe('crypto/invalid-key')
    }
  })

  test(`the library makes the seeds of all ${vectors.length} vectors (we do not use them)`, () => {
    for (const [, words, seed] of vectors) expect(hex(mnemonicToSeedSync(words, 'TREZOR'))).toBe(seed)
  })

  test('typing does not matter: case, white space', () => {
    const [entropy, words] = ours[0] as Vector
    expect(hex(parseRecoveryWords(`  ${words.toUpperCase().replaceAll(' ', '\n\t ')} `).expose())).toBe(entropy)
  })

  test('one wrong word: unknown, or the checksum; no error quotes what was typed', () => {
    const words = (ours[3] as Vector)[1].split(' ')
    let accepted = 0
    for (let i = 0; i < words.length; i++) {
      const unknown = words.map((word, at) => (at === i ? 'xylophone' : word))
      const other = words.map((word, at) => (at === i ? (word === 'zebra' ? 'zone' : 'zebra') : word))
      for (const typed of [unknown, other]) {
        try {
          parseRecoveryWords(typed.join(' '))
          accepted++
        } catch (error) {
          expect(isSecureChatError(error, 'client/invalid-argument')).toBe(true)
          expect(`${error} ${JSON.stringify(error)} ${(error as Error).cause}`).not.toMatch(/xylophone|zebra|zone/)
        }
      }
    }
    // 8 bits of checksum: of 24 other valid words one in 256 passes.
    expect(accepted).toBe(0)
  })
})
