import { isSecureChatError } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { type Argon2Cost, DEFAULT_COST, passphraseKey } from '../../src/passphrase/index.js'
import { argon2id } from '../../src/primitives/argon2.js'
import { bytesOf } from '../support/people.js'

const salt = new Uint8Array(16).fill(5)
const least: Argon2Cost = { memoryKiB: 8, passes: 1, lanes: 1 }
const refused = async (passphrase: string, { bytes = salt, cost = least }: { bytes?: Uint8Array; cost?: Argon2Cost } = {}) =>
  expect(await passphraseKey(passphrase, bytes, cost).catch((error) => isSecureChatError(error, 'client/invalid-argument'))).toBe(true)

test('32 bytes of Argon2id over NFKC: the same characters from another keyboard are the same passphrase', async () => {
  const key = await passphraseKey('\u00e9 \ufb01 \u2460', salt, least)
  expect(key).toEqual(await argon2id(bytesOf('\u00e9 fi 1'), salt, { ...least, bytes: 32 }))
  expect(await passphraseKey('e\u0301 fi 1', salt, least)).toEqual(key)
  expect(await passphraseKey('\u00c9 fi 1', salt, least)).not.toEqual(key)
})

test('without a cost it is the one of RFC 9106', async () => {
  expect(DEFAULT_COST).toEqual({ memoryKiB: 65_536, passes: 3, lanes: 4 })
  expect(await passphraseKey('words', salt)).toEqual(await argon2id(bytesOf('words'), salt, { ...DEFAULT_COST, bytes: 32 }))
})

test('stored costs are bounded, so that they end neither in no protection nor in no memory', async () => {
  // Upper bounds only where they are cheap: 1 GiB is the most memory.
  for (const cost of [least, { ...least, passes: 64 }, { memoryKiB: 128, passes: 1, lanes: 16 }]) expect(await passphraseKey('x', salt, cost)).toHaveLength(32)
  const wrong: Partial<Argon2Cost>[] = [
    { memoryKiB: 7 },
    { memoryKiB: 1_048_577 },
    { memoryKiB: 8.5 },
    { memoryKiB: Number.NaN },
    { passes: 0 },
    { passes: 65 },
    { passes: 1.5 },
    { lanes: 0 },
    { lanes: 2 },
    { lanes: -1 },
    { memoryKiB: 136, lanes: 17 },
    { memoryKiB: 12, lanes: 1.5 },
  ]
  for (const change of wrong) await refused('x', { cost: { ...least, ...change } })
})

test('an empty passphrase and another salt than 16 bytes are refused', async () => {
  await refused('')
  for (const length of [0, 15, 17]) await refused('x', { bytes: new Uint8Array(length) })
})
