import { type AccountId, concatBytes, idFromBytes, idToBytes, LABELS, SUITE, u8, u32, u64 } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { sealContainer } from '../../src/backup/container.js'
import { type OpenedBackup, openBackupManifest } from '../../src/backup/index.js'
import { pad, Secret } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { misshapen, written } from '../support/misshapen.js'
import { NOTHING, START } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const deps = { provider: sodium, random: seededRandom(47) }
const accountId = idFromBytes<AccountId>(deps.random(16))
const keys = { backupKey: new Secret(deps.random(32)), accountId }
const backupId = deps.random(16)
const REVISION = 2
const HASH = new Uint8Array(64).fill(7)

/** Segment `number` of a backup, of kind messages. */
const entry = (number: number, of = backupId): Uint8Array => concatBytes(of, u32(number), u8(6), u32(1_000), HASH.subarray(32))
const FIELDS = {
  suite: u8(SUITE),
  account: idToBytes(accountId),
  backup: backupId,
  revision: u64(REVISION),
  previous: HASH,
  created: u64(START),
  next: u32(4),
  ancestors: NOTHING,
  entries: concatBytes(entry(1), entry(3)),
}
type Changes = Partial<Record<keyof typeof FIELDS, Uint8Array>>

/** A manifest whose container is in order, sealed under the account's own key, whatever the core is. */
const opened = (core: Uint8Array, number = REVISION): OpenedBackup =>
  openBackupManifest(sodium, { ...keys, bytes: sealContainer(deps, keys, { kind: 0, backupId, number, plaintext: pad(core) }) })
const coreWith = (changes: Changes): Uint8Array => written(LABELS.backupManifest, { ...FIELDS, ...changes })
const refusal = (changes: Changes, number?: number): string => codeOf(() => opened(coreWith(changes), number))

describe('a sealed backup manifest of another shape', () => {
  test('is what the others are made from', () => {
    const { entries, created, ancestors } = opened(coreWith({}))
    expect([entries.map(({ number }) => number), created, ancestors]).toEqual([[1, 3], START, []])
  })

  test('every field has its length, and none is missing or too many', () => {
    for (const [what, core] of misshapen(LABELS.backupManifest, FIELDS)) {
      const expected = what.startsWith('suite ') && !what.endsWith('gone') && !what.endsWith('twice') ? 'protocol/unsupported-version' : 'protocol/malformed'
      expect([what, codeOf(() => opened(core))]).toEqual([what, expected])
    }
  })

  test('another suite is of a later version', () => {
    expect(refusal({ suite: u8(SUITE + 1) })).toBe('protocol/unsupported-version')
    expect(refusal({ suite: NOTHING })).toBe('protocol/unsupported-version')
  })

  test('account, backup and revision are those of the container', () => {
    const other = deps.random(16)
    for (const changes of [{ account: other }, { backup: other, entries: NOTHING }, { revision: u64(REVISION + 1) }])
      expect(refusal(changes)).toBe('protocol/malformed')
  })

  test('the first revision continues none, every later one continues a hash', () => {
    expect(refusal({ previous: NOTHING })).toBe('protocol/malformed')
    expect(refusal({ revision: u64(1) }, 1)).toBe('protocol/malformed')
    expect(opened(coreWith({ revision: u64(1), previous: NOTHING }), 1).anchor.revision).toBe(1)
  })

  test('its own segments have numbers below the next one, those of an earlier backup any', () => {
    expect(refusal({ entries: entry(4) })).toBe('protocol/malformed')
    expect(opened(coreWith({ entries: entry(4, deps.random(16)) })).entries).toHaveLength(1)
  })
})
