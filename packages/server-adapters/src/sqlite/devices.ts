import { type AccountId, type DeviceId, fromBase64Url, toBase64Url } from '@securechat/protocol'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'

export interface DeviceRow {
  readonly device_row: number
  readonly device_id: DeviceId
  readonly signing_key: Uint8Array
}

export const accountBytes = (accountId: AccountId): Uint8Array => fromBase64Url(accountId)
export const accountText = (bytes: Uint8Array): AccountId => toBase64Url(bytes) as AccountId

/** What several parts of the store do with devices; each runs inside the caller's transaction or read. */
export interface Devices {
  find(accountId: AccountId, deviceId: DeviceId): DeviceRow | undefined
  list(accountId: AccountId): DeviceRow[]
  /** Removes the device and all that belongs to it: sessions with their tokens, queue, prekeys, remembered send ids. */
  drop(deviceRow: number): void
  endSession(sessionId: string): boolean
}

export function createDevices(database: SqlDriver, onDropped: (deviceRow: number) => void): Devices {
  const find = database.prepare<DeviceRow>('SELECT device_row, device_id, signing_key FROM devices WHERE account_id = ? AND device_id = ?')
  const list = database.prepare<DeviceRow>('SELECT device_row, device_id, signing_key FROM devices WHERE account_id = ?')
  const dropTokens = database.prepare('DELETE FROM refresh_tokens WHERE session_id IN (SELECT session_id FROM sessions WHERE device_row = ?)')
  const drops = ['sessions', 'mailbox_rows', 'one_time_prekeys', 'sends', 'leases', 'devices'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE device_row = ?`),
  )
  const endTokens = database.prepare('DELETE FROM refresh_tokens WHERE session_id = ?')
  const endSession = database.prepare('DELETE FROM sessions WHERE session_id = ?')
  return {
    find: (accountId, deviceId) => find.get(accountBytes(accountId), deviceId),
    list: (accountId) => list.all(accountBytes(accountId)),
    drop(deviceRow) {
      dropTokens.run(deviceRow)
      for (const drop of drops) drop.run(deviceRow)
      onDropped(deviceRow)
    },
    endSession(sessionId) {
      endTokens.run(sessionId)
      return endSession.run(sessionId).changes > 0
    },
  }
}
