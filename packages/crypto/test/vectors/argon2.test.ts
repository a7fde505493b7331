import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { passphraseKey } from '../../src/passphrase/index.js'
import { argon2id } from '../../src/primitives/argon2.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

// RFC 9106, section 5.3, has a secret and associated data, which passphrases have not; this is `argon2 somesalt -id -t 2 -m 16 -p 1` of the reference implementation (its test.c).
test('the reference implementation’s vector: 64 MiB, two passes', async () => {
  const out = await argon2id(new TextEncoder().encode('password'), new TextEncoder().encode('somesalt'), { memoryKiB: 65_536, passes: 2, lanes: 1, bytes: 32 })
  expect(hex(out)).toBe('09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7')
})

test('a passphrase is its characters, not their bytes; salt and costs matter', async () => {
  const salt = createHash('sha256').update('salt').digest().subarray(0, 16)
  const cost = { memoryKiB: 64, passes: 1, lanes: 1 }
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301']
  const key = hex(await passphraseKey(composed, salt, cost))
  expect(hex(await passphraseKey(decomposed, salt, cost))).toBe(key)
  expect(hex(await passphraseKey('cafe', salt, cost))).not.toBe(key)
  expect(
    hex(
      await passphraseKey(
        composed,
        salt.map((byte) => byte ^ 1),
        cost,
      ),
    ),
  ).not.toBe(key)
  expect(hex(await passphraseKey(composed, salt, { ...cost, passes: 2 }))).not.toBe(key)
  for (const wrong of [{ passes: 0 }, { passes: 65 }, { lanes: 0 }, { lanes: 17 }, { memoryKiB: 7 }, { memoryKiB: 1_048_577 }, { memoryKiB: 64.5 }])
    await expect(passphraseKey(composed, salt, { ...cost, ...wrong })).rejects.toMatchObject({ code: 'client/invalid-argument' })
})
