import { type AccountId, idFromBytes } from '@securechat/protocol/core'
import { describe, expect, test } from 'vitest'
import { CONTAINER_OVERHEAD, sealContainer } from '../../src/backup/container.js'
import { type BackupEntry, openStreamPart, sealBackupManifest, sealSegment, startBackup } from '../../src/backup/index.js'
import { Secret } from '../../src/secret.js'
import { sodiumProvider } from '../../src/sodium/index.js'

const provider = await sodiumProvider()
let count = 100
const random = (length: number): Uint8Array => new Uint8Array(length).fill(++count)
const accountId = idFromBytes<AccountId>(new Uint8Array(16).fill(9))
const backupKey = new Secret(new Uint8Array(32).fill(7))
const backupId = new Uint8Array(16).fill(5)
const deps = { provider, random, now: 1_800_000_000_000 }

/** Three parts and the manifest that lists them. */
function stream() {
  let state = startBackup({ random: () => backupId }, accountId)
  const parts: Uint8Array[] = []
  for (const [i, kind] of (['settings', 'messages', 'messages'] as const).entries()) {
    const sealed = sealSegment(deps, { backupKey, state, kind, records: [{ name: Uint8Array.of(i + 1), value: Uint8Array.of(200, i) }] })
    state = sealed.state
    parts.push(sealed.bytes)
  }
  return { parts, state, manifest: sealBackupManifest(deps, { backupKey, state }).bytes }
}
const open = (bytes: Uint8Array, received: readonly BackupEntry[]) => openStreamPart(provider, { backupKey, accountId, backupId, received, bytes })
const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'opened'
  } catch (error) {
    return (error as { code: string }).code
  }
}
function read(parts: readonly Uint8Array[]): BackupEntry[] {
  const received: BackupEntry[] = []
  for (const part of parts) received.push(open(part, received).entry as BackupEntry)
  return received
}

describe('an archive that is read while it is written', () => {
  test('gives part after part, and the manifest says that these were all', () => {
    const { parts, manifest } = stream()
    const received = read(parts)
    expect(received.map(({ number, kind }) => [number, kind])).toEqual([
      [1, 'settings'],
      [2, 'messages'],
      [3, 'messages'],
    ])
    expect(open(manifest, received)).toEqual({ entry: null })
  })

  test('a part at another place, of another archive, left out, added or changed is refused', () => {
    const { parts, manifest } = stream()
    const received = read(parts)
    expect(codeOf(() => open(parts[1]!, []))).toBe('crypto/authentication-failed')
    expect(codeOf(() => open(parts[0]!, received.slice(0, 1)))).toBe('crypto/authentication-failed')
    expect(codeOf(() => open(manifest, received.slice(0, 2)))).toBe('backup/damaged')
    expect(codeOf(() => open(manifest, [...received, received[2]!]))).toBe('backup/damaged')
    expect(
      codeOf(() =>
        open(
          manifest,
          received.map((entry) => ({ ...entry, hash: new Uint8Array(32) })),
        ),
      ),
    ).toBe('backup/damaged')
    const other = sealSegment(deps, { backupKey, state: startBackup({ random }, accountId), kind: 'messages', records: [] })
    expect(codeOf(() => open(other.bytes, []))).toBe('backup/damaged')
    for (const at of [2, 30, 70, parts[0]!.length - 1]) {
      const changed = parts[0]!.slice()
      changed[at]! ^= 1
      expect(codeOf(() => open(changed, []))).not.toBe('opened')
    }
  })

  test('a manifest that says something else of a part than the part itself, in any field, is refused', () => {
    const { parts, state } = stream()
    const received = read(parts)
    const listing = (change: Partial<BackupEntry>) => {
      const entries = state.entries.map((entry, i) => (i === 1 ? { ...entry, ...change } : entry))
      return codeOf(() => open(sealBackupManifest(deps, { backupKey, state: { ...state, nextNumber: 100, entries } }).bytes, received))
    }
    expect(listing({})).toBe('opened')
    const length = parts[1]!.length + 1
    const changes: Partial<BackupEntry>[] = [{ number: 9 }, { kind: 'groups' }, { length }, { hash: new Uint8Array(32) }, { backupId: new Uint8Array(16) }]
    for (const change of changes) expect([change, listing(change)]).toEqual([change, 'backup/damaged'])
  })

  test('a part of a kind that is not known yet needs a newer version', () => {
    const plaintext = new Uint8Array(256)
    const part = (kind: number) => sealContainer(deps, { backupKey, accountId }, { kind, backupId, number: 1, plaintext })
    expect(part(99)).toHaveLength(CONTAINER_OVERHEAD + 256)
    expect(codeOf(() => open(part(99), []))).toBe('protocol/unsupported-version')
    expect(codeOf(() => open(part(6), []))).toBe('opened')
  })
})
