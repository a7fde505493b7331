import { type AccountId, idFromBytes, idToBytes, isSecureChatError, LABELS, LIMITS, SUITE, T, u8, u32, u64 } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { CONTAINER_OVERHEAD, openContainer, sealContainer } from '../../src/backup/container.js'
import {
  type BackupRecord,
  type BackupState,
  decodeBackupState,
  encodeBackupState,
  openBackupManifest,
  openSegment,
  type SealedSegment,
  sealSegment,
  sealSegments,
  startBackup,
} from '../../src/backup/index.js'
import { decodeRecords, encodeRecords } from '../../src/backup/records.js'
import { pad, Secret } from '../../src/index.js'
import { record } from '../support/backups.js'
import { codeOf } from '../support/codes.js'
import { bytesOf, NOTHING, START } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const deps = { provider: sodium, random: seededRandom(46), now: START }
const accountId = idFromBytes<AccountId>(deps.random(16))
const backupKey = new Secret(deps.random(32))
const keys = { backupKey, accountId }
const state = startBackup(deps, accountId)
const { backupId } = state
const filled = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value)

test('a container may be empty, and no shorter', () => {
  const which = { kind: 6, backupId, number: 1 }
  const bytes = sealContainer(deps, keys, { ...which, plaintext: NOTHING })
  expect(bytes).toHaveLength(CONTAINER_OVERHEAD)
  expect(openContainer(sodium, keys, { ...which, bytes })).toEqual(NOTHING)
  expect(codeOf(() => openContainer(sodium, keys, { ...which, bytes: bytes.subarray(0, -1) }))).toBe('protocol/malformed')
})

test('a manifest in a segment’s container is no manifest, whoever sealed it', () => {
  const core = T(LABELS.backupManifest, u8(SUITE), idToBytes(accountId), backupId, u64(1), NOTHING, u64(START), u32(1), NOTHING, NOTHING)
  const sealed = (kind: number) => sealContainer(deps, keys, { kind, backupId, number: 1, plaintext: pad(core) })
  expect(openBackupManifest(sodium, { ...keys, bytes: sealed(0) }).entries).toEqual([])
  expect(codeOf(() => openBackupManifest(sodium, { ...keys, bytes: sealed(6) }))).toBe('protocol/malformed')
})

describe('records', () => {
  /** A record that takes so many bytes. */
  const taking = (size: number, name = 'n'): BackupRecord => ({ name: bytesOf(name), value: filled(size - 2 - name.length - 1 - 4) })

  test('names of 1 to 256 bytes, written and read', () => {
    for (const length of [1, LIMITS.backupNameBytes])
      expect(decodeRecords(encodeRecords([{ name: filled(length), value: null }]))).toEqual([{ name: filled(length), value: null }])
    for (const length of [0, LIMITS.backupNameBytes + 1]) {
      expect(codeOf(() => encodeRecords([{ name: filled(length), value: null }]))).toBe('client/invalid-argument')
      expect(codeOf(() => decodeRecords(Uint8Array.from([length >> 8, length & 0xff, ...filled(length), 0])))).toBe('protocol/malformed')
    }
  })

  test('a value is there or not, nothing else, and every byte belongs to a record', () => {
    const bytes = encodeRecords([record('a', 'b')])
    expect(bytes).toEqual(Uint8Array.of(0, 1, 0x61, 1, 0, 0, 0, 1, 0x62))
    expect(decodeRecords(NOTHING)).toEqual([])
    expect(codeOf(() => decodeRecords(bytes.map((byte, i) => (i === 3 ? 2 : byte))))).toBe('protocol/malformed')
    for (let length = 1; length < bytes.length; length++) expect(codeOf(() => decodeRecords(bytes.subarray(0, length)))).toBe('protocol/malformed')
    const read = decodeRecords(bytes)
    bytes.fill(0)
    expect(read).toEqual([record('a', 'b')])
  })

  test('a segment is full to the byte, with one record or several', () => {
    const half = LIMITS.backupSegmentBytes / 2
    expect(encodeRecords([taking(LIMITS.backupSegmentBytes)])).toHaveLength(LIMITS.backupSegmentBytes)
    expect(encodeRecords([taking(half), taking(half)])).toHaveLength(LIMITS.backupSegmentBytes)
    for (const records of [
      [taking(LIMITS.backupSegmentBytes + 1)],
      [taking(half), taking(half + 1)],
      [taking(LIMITS.backupSegmentBytes), { name: bytesOf('n'), value: null }],
    ])
      expect(codeOf(() => encodeRecords(records))).toBe('protocol/too-large')
  })

  test('are packed until the next one does not fit; of none there is no segment', async () => {
    const pack = async (...records: BackupRecord[]) => {
      const segments: SealedSegment[] = []
      const steps = sealSegments(deps, { backupKey, state, kind: 'messages', batches: [records] })
      for (;;) {
        const step = await steps.next()
        if (step.done) return { segments, last: step.value }
        segments.push(step.value)
      }
    }
    const half = LIMITS.backupSegmentBytes / 2
    expect((await pack(taking(half), taking(half))).segments).toHaveLength(1)
    expect((await pack(taking(half), taking(half), { name: bytesOf('n'), value: null })).segments).toHaveLength(2)
    expect((await pack(taking(half), taking(half + 1))).segments).toHaveLength(2)
    expect(await pack()).toEqual({ segments: [], last: state })
    const refusal = await pack(taking(LIMITS.backupSegmentBytes + 1)).catch((error: unknown) => error)
    expect(isSecureChatError(refusal, 'protocol/too-large')).toBe(true)
  })

  test('a segment opens only with the length and the hash that the manifest has of it', () => {
    const { entry, bytes } = sealSegment(deps, { backupKey, state, kind: 'messages', records: [record('a', 'b')] })
    const open = (changes: Partial<typeof entry>) => codeOf(() => openSegment(sodium, { ...keys, entry: { ...entry, ...changes }, bytes }))
    expect(openSegment(sodium, { ...keys, entry, bytes })).toEqual([record('a', 'b')])
    expect(open({ length: entry.length + 1 })).toBe('backup/damaged')
    expect(open({ hash: filled(32) })).toBe('backup/damaged')
    expect(open({ number: 2 })).toBe('crypto/authentication-failed')
    expect(open({ kind: 'groups' })).toBe('crypto/authentication-failed')
  })
})

describe('the state of who writes', () => {
  const anchor = (revision: number) => ({ backupId: filled(16, 2), revision, hash: filled(64, revision & 0xff) })
  const entry = (number: number) => ({ backupId, number, kind: 'messages' as const, length: 200, hash: filled(32) })
  const full: BackupState = {
    ...state,
    revision: 3,
    manifestHash: filled(64, 9),
    nextNumber: 3,
    ancestors: [anchor(1), anchor(2)],
    entries: [entry(1), entry(2)],
  }
  const code = (changes: Partial<BackupState>) => codeOf(() => decodeBackupState(encodeBackupState({ ...full, ...changes })))

  test('comes back from a store, at its start and at its largest', () => {
    for (const one of [state, full, { ...full, ancestors: Array.from({ length: LIMITS.backupAncestors }, (_, i) => anchor(i)) }])
      expect(decodeBackupState(encodeBackupState(one))).toEqual(one)
    const entries = Array.from({ length: LIMITS.backupSegments }, (_, i) => entry(i + 1))
    expect(decodeBackupState(encodeBackupState({ ...full, entries })).entries).toHaveLength(LIMITS.backupSegments)
    expect(code({ entries: [...entries, entry(LIMITS.backupSegments + 1)] })).toBe('storage/corrupt')
  })

  test('is refused where it could not have been written', () => {
    const wrong: Partial<BackupState>[] = [
      { nextNumber: 0 },
      { manifestHash: NOTHING },
      { manifestHash: filled(63) },
      { revision: 0 },
      { ancestors: Array.from({ length: LIMITS.backupAncestors + 1 }, (_, i) => anchor(i)) },
      { ancestors: [{ ...anchor(1), hash: filled(63) }] },
      { entries: [entry(1), entry(1)] },
      { entries: [entry(0)] },
    ]
    for (const change of wrong) expect(code(change), Object.keys(change)[0]).toBe('storage/corrupt')
    const bytes = encodeBackupState(full)
    expect(codeOf(() => decodeBackupState(Uint8Array.from([...bytes, 0])))).toBe('storage/corrupt')
    for (const at of [0, 1]) expect(codeOf(() => decodeBackupState(bytes.map((byte, i) => (i === at ? byte + 1 : byte))))).toBe('protocol/unsupported-version')
    const unknownKind = bytes.slice()
    unknownKind[bytes.length - 32 - 4 - 1] = 99
    expect(codeOf(() => decodeBackupState(unknownKind))).toBe('protocol/unsupported-version')
  })

  test('a backup remembers the latest 64 that it continues', () => {
    const ancestors = Array.from({ length: LIMITS.backupAncestors }, (_, i) => anchor(i + 1))
    const next = startBackup(deps, accountId, { accountId, anchor: anchor(99), ancestors, entries: [entry(1)] })
    expect(next.ancestors).toEqual([...ancestors.slice(1), anchor(99)])
    expect(next).toMatchObject({ revision: 0, nextNumber: 1, entries: [entry(1)] })
    expect(next.backupId).not.toEqual(startBackup(deps, accountId).backupId)
  })
})
