import { type AccountId, equalPublicBytes } from '@securechat/protocol'
import type { ArchiveStore, BackupManifestOutcome } from '@securechat/server'
import type { AccountRow, AccountRows } from './account-rows.js'
import type { Database, Session } from './database.js'
import { accountBytes } from './rows.js'

const NOTHING = new Uint8Array(0)

/** Whatever adds to an account's archive locks its row, so that limits and the manifest's version hold for all nodes together. */
export function postgresArchives(database: Database, accounts: AccountRows): ArchiveStore {
  const find = database.statement<{ bytes: Uint8Array; expires_at: number | null }>(
    'archive_segment',
    'SELECT bytes, expires_at FROM {s}.archive_segments WHERE account_id = $1 AND archive_id = $2 AND number = $3',
  )
  const add = database.statement(
    'add_archive_segment',
    'INSERT INTO {s}.archive_segments (account_id, archive_id, number, length, expires_at, bytes) VALUES ($1, $2, $3, $4, $5, $6)',
  )
  const list = database.statement<{ archive_id: Uint8Array; number: number; length: number }>(
    'archive_segments',
    `SELECT archive_id, number, length FROM {s}.archive_segments
     WHERE account_id = $1 AND expires_at IS NULL AND (archive_id, number) > ($2, $3) ORDER BY archive_id, number LIMIT $4`,
  )
  const drop = database.statement(
    'drop_archive_segment',
    'DELETE FROM {s}.archive_segments WHERE account_id = $1 AND archive_id = $2 AND number = $3 AND expires_at IS NULL',
  )
  // Sums of bigint are numeric, which nobody here parses.
  const usage = database.statement<{ bytes: number; segments: number }>(
    'archive_usage',
    'SELECT coalesce(sum(length), 0)::bigint AS bytes, count(*) AS segments FROM {s}.archive_segments WHERE account_id = $1',
  )
  const manifest = database.statement<{ version: number; bytes: Uint8Array | null }>(
    'backup_manifest',
    'SELECT version, bytes FROM {s}.backup_manifests WHERE account_id = $1',
  )
  const putManifest = database.statement(
    'put_backup_manifest',
    `INSERT INTO {s}.backup_manifests (account_id, version, bytes) VALUES ($1, $2, $3)
     ON CONFLICT (account_id) DO UPDATE SET version = excluded.version, bytes = excluded.bytes`,
  )
  const erase = [
    database.statement('erase_backup_manifest', 'UPDATE {s}.backup_manifests SET bytes = NULL WHERE account_id = $1'),
    database.statement('erase_backup_segments', 'DELETE FROM {s}.archive_segments WHERE account_id = $1 AND expires_at IS NULL'),
  ]
  const transfer = database.statement<{ expires_at: number }>(
    'history_transfer',
    'SELECT expires_at FROM {s}.history_transfers WHERE account_id = $1 AND transfer_id = $2 AND expires_at > $3',
  )
  const transfers = database.statement<{ count: number }>(
    'history_transfers',
    'SELECT count(*) AS count FROM {s}.history_transfers WHERE account_id = $1 AND expires_at > $2',
  )
  const open = database.statement('open_history_transfer', 'INSERT INTO {s}.history_transfers (account_id, transfer_id, expires_at) VALUES ($1, $2, $3)')
  const close = [
    database.statement('close_history_parts', 'DELETE FROM {s}.archive_segments WHERE account_id = $1 AND archive_id = $2 AND expires_at IS NOT NULL'),
    database.statement('close_history_transfer', 'DELETE FROM {s}.history_transfers WHERE account_id = $1 AND transfer_id = $2'),
  ]
  const lock = async (session: Session, accountId: AccountId): Promise<AccountRow | undefined> => {
    const account = await accounts.lock(session, accountId)
    return account && account.manifest_version > 0 ? account : undefined
  }

  return {
    putSegment: ({ accountId, archiveId, number, bytes, maxBytes, maxSegments, transfer: ofTransfer, now }) =>
      database.transaction(async (session) => {
        const account = await lock(session, accountId)
        if (!account) return 'absent' as const
        const expiresAt = ofTransfer ? (await session.row(transfer, account.account_id, archiveId, now))?.expires_at : null
        if (expiresAt === undefined) return 'absent' as const
        const known = await session.row(find, account.account_id, archiveId, number)
        if (known) return equalPublicBytes(known.bytes, bytes) && (known.expires_at !== null) === ofTransfer ? ('stored' as const) : ('conflict' as const)
        const used = (await session.row(usage, account.account_id)) ?? { bytes: 0, segments: 0 }
        if (used.bytes + bytes.length > maxBytes || used.segments + 1 > maxSegments) return 'full' as const
        await session.run(add, account.account_id, archiveId, number, bytes.length, expiresAt, bytes)
        return 'stored' as const
      }),

    async segment({ accountId, archiveId, number, transfer: ofTransfer }) {
      const found = await database.row(find, accountBytes(accountId), archiveId, number)
      return found && (found.expires_at !== null) === ofTransfer ? found.bytes : undefined
    },

    async segments({ accountId, after, limit }) {
      const found = await database.rows(list, accountBytes(accountId), after?.archiveId ?? NOTHING, after?.number ?? 0, limit + 1)
      const segments = found.slice(0, limit).map(({ archive_id, number, length }) => ({ archiveId: archive_id, number, length }))
      return { segments, more: found.length > limit }
    },

    deleteSegments: (accountId, names) =>
      database.transaction(async (session) => {
        await lock(session, accountId)
        for (const { archiveId, number } of names) await session.run(drop, accountBytes(accountId), archiveId, number)
      }),

    archiveUsage: async (accountId) => (await database.row(usage, accountBytes(accountId))) ?? { bytes: 0, segments: 0 },

    putBackupManifest: ({ accountId, expected, bytes }) =>
      database.transaction(async (session): Promise<BackupManifestOutcome> => {
        const account = await lock(session, accountId)
        if (!account) return { kind: 'absent' }
        const stored = await session.row(manifest, account.account_id)
        if (stored?.bytes && equalPublicBytes(stored.bytes, bytes)) return { kind: 'repeated', version: stored.version }
        if (expected !== (stored?.bytes ? stored.version : 0)) return { kind: 'conflict' }
        const version = (stored?.version ?? 0) + 1
        await session.run(putManifest, account.account_id, version, bytes)
        return { kind: 'stored', version }
      }),

    async backupManifest(accountId) {
      const stored = await database.row(manifest, accountBytes(accountId))
      return stored?.bytes ? { version: stored.version, bytes: stored.bytes } : undefined
    },

    eraseBackup: (accountId) =>
      database.transaction(async (session) => {
        await lock(session, accountId)
        for (const statement of erase) await session.run(statement, accountBytes(accountId))
      }),

    openTransfer: ({ accountId, transferId, now, expiresAt, maxTransfers }) =>
      database.transaction(async (session) => {
        const account = await lock(session, accountId)
        if (!account) return { kind: 'absent' as const }
        const known = await session.row(transfer, account.account_id, transferId, now)
        if (known) return { kind: 'open' as const, expiresAt: known.expires_at }
        if (((await session.row(transfers, account.account_id, now))?.count ?? 0) >= maxTransfers) return { kind: 'full' as const }
        // One that has ended and is not swept yet.
        for (const statement of close) await session.run(statement, account.account_id, transferId)
        await session.run(open, account.account_id, transferId, expiresAt)
        return { kind: 'open' as const, expiresAt }
      }),

    transfer: async (accountId, transferId, now) => (await database.row(transfer, accountBytes(accountId), transferId, now))?.expires_at,

    closeTransfer: (accountId, transferId) =>
      database.transaction(async (session) => {
        await lock(session, accountId)
        for (const statement of close) await session.run(statement, accountBytes(accountId), transferId)
      }),
  }
}
