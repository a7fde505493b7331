import type { AccountId } from '@securechat/protocol'
import type { AccountState } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import { accountBytes, accountText } from './devices.js'

export interface AccountRow {
  readonly account_id: Uint8Array
  readonly phone_hash: Uint8Array
  readonly next_device_id: number
  /** 0: reserved, no keys yet. */
  readonly manifest_version: number
  readonly manifest_hash: Uint8Array | null
}

export interface AccountRows {
  byId(accountId: AccountId): AccountRow | undefined
  byPhone(phoneHash: Uint8Array): AccountRow | undefined
  state(row: AccountRow): AccountState
}

export function createAccountRows(database: SqlDriver): AccountRows {
  const columns = 'account_id, phone_hash, next_device_id, manifest_version, manifest_hash'
  const byId = database.prepare<AccountRow>(`SELECT ${columns} FROM accounts WHERE account_id = ?`)
  const byPhone = database.prepare<AccountRow>(`SELECT ${columns} FROM accounts WHERE phone_hash = ?`)
  const manifest = database.prepare<{ bytes: Uint8Array }>('SELECT bytes FROM manifests WHERE account_id = ? AND version = ?')
  return {
    byId: (accountId) => byId.get(accountBytes(accountId)),
    byPhone: (phoneHash) => byPhone.get(phoneHash),
    state(row) {
      const newest = row.manifest_version > 0 ? manifest.get(row.account_id, row.manifest_version) : undefined
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
