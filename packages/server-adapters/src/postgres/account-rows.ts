import type { AccountId } from '@securechat/protocol'
import type { AccountState } from '@securechat/server'
import type { Database, Session } from './database.js'
import { accountBytes, accountText } from './rows.js'

export interface AccountRow {
  readonly account_id: Uint8Array
  readonly phone_hash: Uint8Array
  readonly next_device_id: number
  /** 0: reserved, no keys yet. */
  readonly manifest_version: number
  readonly manifest_hash: Uint8Array | null
}

export interface AccountRows {
  readonly columns: string
  byId(session: Session, accountId: AccountId): Promise<AccountRow | undefined>
  /** As `byId`, and locked until the end of the transaction. */
  lock(session: Session, accountId: AccountId): Promise<AccountRow | undefined>
  state(session: Session, row: AccountRow): Promise<AccountState>
}

export function createAccountRows(database: Database): AccountRows {
  const columns = 'account_id, phone_hash, next_device_id, manifest_version, manifest_hash'
  const byId = database.statement<AccountRow>('account', `SELECT ${columns} FROM {s}.accounts WHERE account_id = $1`)
  const lock = database.statement<AccountRow>('account_lock', `SELECT ${columns} FROM {s}.accounts WHERE account_id = $1 FOR UPDATE`)
  const manifest = database.statement<{ bytes: Uint8Array }>('manifest', 'SELECT bytes FROM {s}.manifests WHERE account_id = $1 AND version = $2')
  return {
    columns,
    byId: (session, accountId) => session.row(byId, accountBytes(accountId)),
    lock: (session, accountId) => session.row(lock, accountBytes(accountId)),
    async state(session, row) {
      const newest = row.manifest_version > 0 ? await session.row(manifest, row.account_id, row.manifest_version) : undefined
      return {
        accountId: accountText(row.account_id),
        exists: newest !== undefined,
        manifestVersion: row.manifest_version,
        ...(newest && { manifestHash: row.manifest_hash!, manifest: newest.bytes }),
        nextDeviceId: row.next_device_id,
      }
    },
  }
}
