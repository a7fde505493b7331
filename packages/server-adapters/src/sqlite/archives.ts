import { type AccountId, equalPublicBytes } from '@securechat/protocol'
import type { ArchiveStore, BackupManifestOutcome } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { AccountRows } from './account-rows.js'
import type { Batch } from './batch.js'
import { accountBytes } from './devices.js'

const NOTHING = new Uint8Array(0)

export function sqliteArchives(database: SqlDriver, batch: Batch, accounts: AccountRows): ArchiveStore {
  const find = database.prepare<{ bytes: Uint8Array; expires_at: number | null }>(
    'SELECT bytes, expires_at FROM archive_segments WHERE account_id = ? AND archive_id = ? AND number = ?',
  )
  const add = database.prepare('INSERT INTO archive_segments (account_id, archive_id, number, length, expires_at, bytes) VALUES (?, ?, ?, ?, ?, ?)')
  const list = database.prepare<{ archive_id: Uint8Array; number: number; length: number }>(
    `SELECT archive_id, number, length FROM archive_segments
     WHERE account_id = ? AND expires_at IS NULL AND (archive_id, number) > (?, ?) ORDER BY archive_id, number LIMIT ?`,
  )
  const drop = database.prepare('DELETE FROM archive_segments WHERE account_id = ? AND archive_id = ? AND number = ? AND expires_at IS NULL')
  const usage = database.prepare<{ bytes: number; segments: number }>(
    'SELECT coalesce(sum(length), 0) AS bytes, count(*) AS segments FROM archive_segments WHERE account_id = ?',
  )
  const manifest = database.prepare<{ version: number; bytes: Uint8Array | null }>('SELECT version, bytes FROM backup_manifests WHERE account_id = ?')
  const putManifest = database.prepare(
    `INSERT INTO backup_manifests (account_id, version, bytes) VALUES (?, ?, ?)
     ON CONFLICT (account_id) DO UPDATE SET version = excluded.version, bytes = excluded.bytes`,
  )
  const eraseManifest = database.prepare('UPDATE backup_manifests SET bytes = NULL WHERE account_id = ?')
  const eraseSegments = database.prepare('DELETE FROM archive_segments WHERE account_id = ? AND expires_at IS NULL')
  const transfer = database.prepare<{ expires_at: number }>(
    'SELECT expires_at FROM history_transfers WHERE account_id = ? AND transfer_id = ? AND expires_at > ?',
  )
  const transfers = database.prepare<{ count: number }>('SELECT count(*) AS count FROM history_transfers WHERE account_id = ? AND expires_at > ?')
  const open = database.prepare('INSERT INTO history_transfers (account_id, transfer_id, expires_at) VALUES (?, ?, ?)')
  const close = [
    database.prepare('DELETE FROM archive_segments WHERE account_id = ? AND archive_id = ? AND expires_at IS NOT NULL'),
    database.prepare('DELETE FROM history_transfers WHERE account_id = ? AND transfer_id = ?'),
  ]
  const registered = (accountId: AccountId): boolean => (accounts.byId(accountId)?.manifest_version ?? 0) > 0

  return {
    putSegment: ({ accountId, archiveId, number, bytes, maxBytes, maxSegments, transfer: ofTransfer, now }) =>
      batch.write(() => {
        const account = accountBytes(accountId)
        const expiresAt = ofTransfer ? transfer.get(account, archiveId, now)?.expires_at : null
        if (!registered(accountId) || expiresAt === undefined) return 'absent' as const
        const known = find.get(account, archiveId, number)
        if (known) return equalPublicBytes(known.bytes, bytes) && (known.expires_at !== null) === ofTransfer ? ('stored' as const) : ('conflict' as const)
        const used = usage.get(account) ?? { bytes: 0, segments: 0 }
        if (used.bytes + bytes.length > maxBytes || used.segments + 1 > maxSegments) return 'full' as const
        add.run(account, archiveId, number, bytes.length, expiresAt, bytes)
        return 'stored' as const
      }),

    segment: async ({ accountId, archiveId, number, transfer: ofTransfer }) =>
      batch.read(() => {
        const found = find.get(accountBytes(accountId), archiveId, number)
        return found && (found.expires_at !== null) === ofTransfer ? found.bytes : undefined
      }),

    segments: async ({ accountId, after, limit }) =>
      batch.read(() => {
        const found = list.all(accountBytes(accountId), after?.archiveId ?? NOTHING, after?.number ?? 0, limit + 1)
        const segments = found.slice(0, limit).map(({ archive_id, number, length }) => ({ archiveId: archive_id, number, length }))
        return { segments, more: found.length > limit }
      }),

    deleteSegments: (accountId, names) =>
      batch.write(() => {
        for (const { archiveId, number } of names) drop.run(accountBytes(accountId), archiveId, number)
      }),

    archiveUsage: async (accountId) => batch.read(() => usage.get(accountBytes(accountId)) ?? { bytes: 0, segments: 0 }),

    putBackupManifest: ({ accountId, expected, bytes }) =>
      batch.write((): BackupManifestOutcome => {
        if (!registered(accountId)) return { kind: 'absent' }
        const stored = manifest.get(accountBytes(accountId))
        if (stored?.bytes && equalPublicBytes(stored.bytes, bytes)) return { kind: 'repeated', version: stored.version }
        if (expected !== (stored?.bytes ? stored.version : 0)) return { kind: 'conflict' }
        const version = (stored?.version ?? 0) + 1
        putManifest.run(accountBytes(accountId), version, bytes)
        return { kind: 'stored', version }
      }),

    backupManifest: async (accountId) =>
      batch.read(() => {
        const stored = manifest.get(accountBytes(accountId))
        return stored?.bytes ? { version: stored.version, bytes: stored.bytes } : undefined
      }),

    eraseBackup: (accountId) =>
      batch.write(() => {
        eraseManifest.run(accountBytes(accountId))
        eraseSegments.run(accountBytes(accountId))
      }),

    openTransfer: ({ accountId, transferId, now, expiresAt, maxTransfers }) =>
      batch.write(() => {
        if (!registered(accountId)) return { kind: 'absent' as const }
        const account = accountBytes(accountId)
        const known = transfer.get(account, transferId, now)
        if (known) return { kind: 'open' as const, expiresAt: known.expires_at }
        if ((transfers.get(account, now)?.count ?? 0) >= maxTransfers) return { kind: 'full' as const }
        // One that has ended and is not swept yet.
        for (const statement of close) statement.run(account, transferId)
        open.run(account, transferId, expiresAt)
        return { kind: 'open' as const, expiresAt }
      }),

    transfer: async (accountId, transferId, now) => batch.read(() => transfer.get(accountBytes(accountId), transferId, now)?.expires_at),

    closeTransfer: (accountId, transferId) =>
      batch.write(() => {
        for (const statement of close) statement.run(accountBytes(accountId), transferId)
      }),
  }
}
