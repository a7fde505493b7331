import { toBase64Url } from '@securechat/protocol'
import {
  type BackupAnchor,
  type BackupEntry,
  type BackupKind,
  type BackupRecord,
  type BackupState,
  type OpenedBackup,
  openBackupManifest,
  restoreSegments,
  sealBackupManifest,
  sealSegment,
} from '../../src/backup/index.js'
import type { CryptoDeps, Secret } from '../../src/index.js'
import { bytesOf, textOf } from './people.js'

export const record = (name: string, value: string | null): BackupRecord => ({ name: bytesOf(name), value: value === null ? null : bytesOf(value) })
const nameOf = ({ backupId, number }: BackupEntry): string => `${toBase64Url(backupId)}/${number}`

/** A server's store of one account's backups, and a device that writes to it: every step commits, then uploads. */
export class BackupServer {
  readonly segments = new Map<string, Uint8Array>()
  manifest: Uint8Array = new Uint8Array(0)

  add(deps: CryptoDeps, backupKey: Secret, step: { state: BackupState; kind: BackupKind; records: readonly BackupRecord[] }): BackupState {
    const { state, entry, bytes } = sealSegment(deps, { backupKey, ...step })
    this.put(entry, bytes)
    return state
  }

  put(entry: BackupEntry, bytes: Uint8Array): void {
    this.segments.set(nameOf(entry), bytes)
  }

  seal(deps: CryptoDeps, backupKey: Secret, state: BackupState): { state: BackupState; anchor: BackupAnchor } {
    const sealed = sealBackupManifest(deps, { backupKey, state })
    this.manifest = sealed.bytes
    return sealed
  }

  readonly fetch = (entry: BackupEntry): Promise<Uint8Array | null> => Promise.resolve(this.segments.get(nameOf(entry)) ?? null)
}

export const open = (
  { provider }: CryptoDeps,
  input: { backupKey: Secret; accountId: OpenedBackup['accountId']; bytes: Uint8Array; anchor?: BackupAnchor },
): OpenedBackup => openBackupManifest(provider, input)

/** What a restore gives, in its order, as text. */
export async function restoreAll(
  { provider }: CryptoDeps,
  { backupKey, opened, server, kinds }: { backupKey: Secret; opened: OpenedBackup; server: BackupServer; kinds?: readonly BackupKind[] },
): Promise<string[]> {
  const { accountId, entries } = opened
  const lines: string[] = []
  for await (const { entry, records } of restoreSegments(provider, { backupKey, accountId, entries, fetch: server.fetch, ...(kinds && { kinds }) }))
    for (const { name, value } of records) lines.push(`${entry.kind} ${textOf(name)}=${textOf(value)}`)
  return lines
}
