import { type AccountId, idFromBytes, isSecureChatError, LIMITS } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type BackupEntry,
  type BackupKind,
  type BackupRecord,
  type BackupState,
  decodeBackupState,
  dropSegments,
  encodeBackupState,
  sealBackupManifest,
  sealSegment,
  sealSegments,
  startBackup,
} from '../../src/backup/index.js'
import { encodeAccountKeys, encodeDeviceKeys, encodeSession, generateDeviceKeys, Secret, type SessionRecord } from '../../src/index.js'
import { BackupServer, open, record, restoreAll } from '../support/backups.js'
import { codeOf } from '../support/codes.js'
import { bytesOf, createWorld, NOTHING, Person, type World } from '../support/people.js'
import { noble, sodium } from '../support/providers.js'

let world: World
let accountId: AccountId
let backupKey: Secret
let server: BackupServer
let state: BackupState

const add = (kind: BackupKind, ...records: BackupRecord[]): void => {
  state = server.add(world.deps(), backupKey, { state, kind, records })
}
const seal = () => {
  const sealed = server.seal(world.deps(), backupKey, state)
  state = sealed.state
  return sealed.anchor
}
const opened = (bytes = server.manifest) => open(world.deps(), { backupKey, accountId, bytes })
const restored = (kinds?: readonly BackupKind[]) => restoreAll(world.deps(), { backupKey, opened: opened(), server, ...(kinds && { kinds }) })

async function rejection(action: Promise<unknown>): Promise<string> {
  try {
    await action
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
  throw new Error('expected a typed error')
}

beforeEach(() => {
  world = createWorld(sodium, 45)
  accountId = idFromBytes<AccountId>(world.random(16))
  backupKey = new Secret(world.random(32))
  server = new BackupServer()
  state = startBackup(world.deps(), accountId)
})

describe('restore', () => {
  test('newest first, each name once, deleted ones not at all, in stages by kind', async () => {
    add('account', record('aik', 'secret'))
    add('messages', record('1', 'old'), record('2', 'stays'), record('3', 'goes'))
    seal()
    add('messages', record('1', 'between'), record('3', null), record('1', 'new'), record('4', ''))
    seal()
    expect(await restored()).toEqual(['messages 4=', 'messages 1=new', 'messages 2=stays', 'account aik=secret'])
    expect(await restored(['account'])).toEqual(['account aik=secret'])
    expect(opened()).toMatchObject({ created: world.now, anchored: false, anchor: { revision: 2 }, ancestors: [] })
  })

  test('with another provider, and with the state read back from a store', async () => {
    add('groups', record('g', 'members'))
    state = decodeBackupState(encodeBackupState(state))
    seal()
    state = decodeBackupState(encodeBackupState(state))
    add('settings', record('theme', 'dark'))
    seal()
    const other = { ...world.deps(), provider: noble }
    const seen = open(other, { backupKey, accountId, bytes: server.manifest })
    expect(await restoreAll(other, { backupKey, opened: seen, server })).toEqual(['settings theme=dark', 'groups g=members'])
    const bytes = encodeBackupState(state)
    for (let length = 0; length < bytes.length; length++)
      expect(['storage/corrupt', 'protocol/unsupported-version']).toContain(codeOf(() => decodeBackupState(bytes.subarray(0, length))))
  })

  test('many records are packed into few segments, one at a time', async () => {
    const values = Array.from({ length: 40 }, (_, i) => ({ name: bytesOf(`m${i}`), value: new Uint8Array(100_000).fill(i) }))
    const steps = sealSegments(world.deps(), { backupKey, state, kind: 'messages', batches: [values.slice(0, 25), [], values.slice(25)] })
    const sizes: number[] = []
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (step.done) {
        state = step.value
        break
      }
      server.put(step.value.entry, step.value.bytes)
      sizes.push(step.value.bytes.length)
    }
    expect(sizes).toHaveLength(4)
    for (const size of sizes) expect(size).toBeLessThan(LIMITS.backupSegmentBytes * 1.13)
    seal()
    expect((await restored()).map((line) => line.slice(9, 12).replace('=', ''))).toEqual(values.map((_, i) => `m${i}`).reverse())
  })

  test('segments that newer ones replace may go', async () => {
    add('messages', record('1', 'old'))
    add('messages', record('1', 'new'))
    state = dropSegments(state, ({ number }) => number === 1)
    seal()
    expect(opened().entries).toHaveLength(1)
    expect(await restored()).toEqual(['messages 1=new'])
  })

  test('a continued backup takes the segments over without a second upload', async () => {
    add('messages', record('1', 'one'))
    const anchor = seal()
    const before = state
    state = startBackup(world.deps(), accountId, opened())
    expect(state.backupId).not.toEqual(before.backupId)
    add('messages', record('2', 'two'))
    seal()
    expect(await restored()).toEqual(['messages 2=two', 'messages 1=one'])
    expect(open(world.deps(), { backupKey, accountId, bytes: server.manifest, anchor })).toMatchObject({ anchored: true, ancestors: [anchor] })
    expect(codeOf(() => startBackup(world.deps(), idFromBytes<AccountId>(new Uint8Array(16)), opened()))).toBe('client/invalid-argument')
  })
})

describe('a server cannot change it unnoticed', () => {
  beforeEach(() => {
    for (const name of ['a', 'b', 'c']) add('messages', record(name, name.repeat(3)))
    add('groups', record('a', 'group'))
    seal()
  })

  test('any changed or missing byte of a segment or a manifest is refused', async () => {
    const entry = state.entries[0] as BackupEntry
    const bytes = (await server.fetch(entry)) as Uint8Array
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.slice()
      changed[i] = (changed[i] as number) ^ 1
      server.put(entry, changed)
      expect(await rejection(restored()), `byte ${i}`).toBe('backup/damaged')
    }
    for (const other of [bytes.subarray(1), bytes.subarray(0, -1), Uint8Array.from([...bytes, 0]), NOTHING]) {
      server.put(entry, other)
      expect(await rejection(restored())).toBe('backup/damaged')
    }
    const codes = ['crypto/authentication-failed', 'protocol/malformed', 'protocol/unsupported-version']
    const { manifest } = server
    for (let i = 0; i < manifest.length; i++) {
      const changed = manifest.slice()
      changed[i] = (changed[i] as number) ^ 1
      expect(codes, `byte ${i}`).toContain(codeOf(() => opened(changed)))
      expect(codes, `length ${i}`).toContain(codeOf(() => opened(manifest.subarray(0, i))))
    }
    expect(codes).toContain(codeOf(() => opened(Uint8Array.from([...manifest, 0]))))
  })

  test('segments dropped, exchanged or of another backup are refused', async () => {
    const [a, b] = state.entries as [BackupEntry, BackupEntry]
    const [bytesA, bytesB] = [(await server.fetch(a)) as Uint8Array, (await server.fetch(b)) as Uint8Array]
    server.put(a, bytesB)
    server.put(b, bytesA)
    expect(await rejection(restored())).toBe('backup/damaged')
    server.put(a, bytesA)
    expect(await rejection(restored())).toBe('backup/damaged')
    server.segments.delete([...server.segments.keys()][1] as string)
    expect(await rejection(restored())).toBe('backup/damaged')
    // The same place in another backup of the same account, sealed by the same device.
    const other = new BackupServer()
    const fresh = other.add(world.deps(), backupKey, { state: startBackup(world.deps(), accountId), kind: 'messages', records: [record('b', 'bbb')] })
    server.put(b, (await other.fetch(fresh.entries[0] as BackupEntry)) as Uint8Array)
    expect(await rejection(restored())).toBe('backup/damaged')
  })

  test('other words, another account, a segment in the place of the manifest: not authentic', async () => {
    const wrong = new Secret(world.random(32))
    expect(codeOf(() => open(world.deps(), { backupKey: wrong, accountId, bytes: server.manifest }))).toBe('crypto/authentication-failed')
    const stranger = idFromBytes<AccountId>(world.random(16))
    expect(codeOf(() => open(world.deps(), { backupKey, accountId: stranger, bytes: server.manifest }))).toBe('crypto/authentication-failed')
    expect(await rejection(restoreAll(world.deps(), { backupKey: wrong, opened: opened(), server }))).toBe('crypto/authentication-failed')
    const segment = (await server.fetch(state.entries[0] as BackupEntry)) as Uint8Array
    expect(codeOf(() => opened(segment))).toBe('protocol/malformed')
    const renamed = segment.slice()
    renamed[2] = 0
    expect(codeOf(() => opened(renamed))).toBe('crypto/authentication-failed')
  })

  test('a backup rolled back, or another branch of it, is refused by who knows a newer one', () => {
    const old = server.manifest
    const oldState = state
    const first = opened().anchor
    add('messages', record('d', 'ddd'))
    const second = seal()
    const with_ = (bytes: Uint8Array, anchor: typeof first) => open(world.deps(), { backupKey, accountId, bytes, anchor })
    expect(with_(server.manifest, first)).toMatchObject({ anchored: true })
    expect(with_(server.manifest, second)).toMatchObject({ anchored: true })
    expect(codeOf(() => with_(old, second))).toBe('backup/rolled-back')
    // The same revision sealed twice: a device that was cloned.
    const branch = sealBackupManifest({ ...world.deps(), now: world.now + 1 }, { backupKey, state: oldState })
    expect(codeOf(() => with_(branch.bytes, second))).toBe('backup/rolled-back')
    // A backup that does not continue the known one, and one that continues an older revision of it.
    const unrelated = sealBackupManifest(world.deps(), { backupKey, state: startBackup(world.deps(), accountId) })
    expect(codeOf(() => with_(unrelated.bytes, second))).toBe('backup/rolled-back')
    const fromOld = sealBackupManifest(world.deps(), { backupKey, state: startBackup(world.deps(), accountId, opened(old)) })
    expect(codeOf(() => with_(fromOld.bytes, second))).toBe('backup/rolled-back')
    expect(with_(fromOld.bytes, first)).toMatchObject({ anchored: true })
  })
})

describe('what never gets in', () => {
  test('ratchet state, prekeys and device keys: by type and at run time, and the state stays as it was', () => {
    const [alice, bob] = [new Person(world), new Person(world)]
    alice.write(bob, 'hello', { bundle: bob.bundle() })
    const session = encodeSession(alice.record as SessionRecord)
    const prekeys = [alice.signed, alice.lastResort, ...alice.oneTime].map((key) => key.private)
    const device = encodeDeviceKeys(generateDeviceKeys(world.deps()))
    // @ts-expect-error ratchet state is no value of a record
    const typed: BackupRecord[] = [{ name: bytesOf('s'), value: session }]
    // @ts-expect-error nor is a prekey
    typed.push({ name: bytesOf('p'), value: alice.signed.private })
    // @ts-expect-error nor are a device's keys
    typed.push({ name: bytesOf('d'), value: device })
    const before = encodeBackupState(state)
    // As they come back from a store: without their types.
    for (const bytes of [session, device, ...prekeys]) {
      for (const kind of ['account', 'messages'] as const) {
        const records = [record('fine', 'x'), { name: bytesOf('x'), value: bytes.slice() }]
        expect(codeOf(() => sealSegment(world.deps(), { backupKey, state, kind, records }))).toBe('client/invalid-argument')
      }
    }
    expect(typed).toHaveLength(3)
    expect(encodeBackupState(state)).toEqual(before)
    const account = { name: bytesOf('aik'), value: encodeAccountKeys(alice.account) }
    expect(sealSegment(world.deps(), { backupKey, state, kind: 'account', records: [account] }).entry.number).toBe(1)
  })

  test('kinds that do not exist, names and sizes beyond the limits', () => {
    const trySeal = (kind: string, records: BackupRecord[]) => codeOf(() => sealSegment(world.deps(), { backupKey, state, kind: kind as BackupKind, records }))
    for (const kind of ['sessions', 'prekeys', 'constructor', '__proto__', '']) expect(trySeal(kind, [record('a', 'b')])).toBe('client/invalid-argument')
    for (const name of ['', 'x'.repeat(LIMITS.backupNameBytes + 1)]) expect(trySeal('messages', [record(name, 'b')])).toBe('client/invalid-argument')
    const half = { name: bytesOf('h'), value: new Uint8Array(LIMITS.backupSegmentBytes / 2) }
    expect(trySeal('messages', [half, half])).toBe('protocol/too-large')
    expect(trySeal('messages', [{ name: bytesOf('h'), value: new Uint8Array(LIMITS.backupSegmentBytes) }])).toBe('protocol/too-large')
    const entries = Array.from({ length: LIMITS.backupSegments }, (_, i) => ({
      backupId: state.backupId,
      number: i + 1,
      kind: 'messages' as const,
      length: 200,
      hash: new Uint8Array(32),
    }))
    state = { ...state, nextNumber: entries.length + 1, entries }
    expect(trySeal('messages', [record('a', 'b')])).toBe('protocol/too-large')
    expect(seal().revision).toBe(1)
    expect(opened().entries).toHaveLength(LIMITS.backupSegments)
    expect(server.manifest.length).toBeLessThan(LIMITS.frameBytes)
  })
})
