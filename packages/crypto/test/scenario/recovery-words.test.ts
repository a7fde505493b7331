import { isSecureChatError } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { parseRecoveryWords, recoveryWords } from '../../src/recovery/index.js'
import { Secret } from '../../src/secret.js'

const entropy = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 3)
const words = recoveryWords(new Secret(entropy))

test('typing does not matter: case, white space', () => {
  expect(parseRecoveryWords(`  ${words.join(' ').toUpperCase().replaceAll(' ', '\n\t ')} `).expose()).toEqual(entropy)
})

test('one wrong word: unknown, or the checksum; no error quotes what was typed', () => {
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
