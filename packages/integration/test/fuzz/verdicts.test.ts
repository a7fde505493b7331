import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decoders } from '../../src/fuzz/decoders.js'
import { type Verdicts, verdictsOf } from '../../src/fuzz/verdicts.js'

// Which change of an input is refused, with which error, is part of what others rely on; here it is written down. After a change on purpose:
// SECURECHAT_WRITE_VERDICTS=1 npx vitest run packages/integration/test/fuzz/verdicts.test.ts, and read the difference.
const FILE = join(import.meta.dirname, 'verdicts.json')
const write = process.env.SECURECHAT_WRITE_VERDICTS === '1'
const all = await decoders()
const known = (existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}) as Record<string, Verdicts>

if (write) {
  const made = Object.fromEntries(Object.entries(all).map(([name, decoder]) => [name, verdictsOf(decoder)]))
  writeFileSync(FILE, `${JSON.stringify(made, null, 1)}\n`)
  Object.assign(known, made)
}

test('verdicts are known for every decoder, and for no other', () => {
  expect(Object.keys(known).sort()).toEqual(Object.keys(all).sort())
})

describe('what a decoder says of changed inputs', () => {
  test.each(Object.keys(all))('%s', (name) => {
    expect(verdictsOf(all[name]!)).toEqual(known[name])
  })
})
