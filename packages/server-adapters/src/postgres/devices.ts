import type { AccountId, DeviceId } from '@securechat/protocol'
import type { Database, Session } from './database.js'
import { accountBytes } from './rows.js'

export interface DeviceRow {
  readonly device_row: number
  readonly device_id: DeviceId
  readonly signing_key: Uint8Array
}

/** What several parts of the store do with devices; each runs inside the caller's transaction. */
export interface Devices {
  find(session: Session, accountId: AccountId, deviceId: DeviceId): Promise<DeviceRow | undefined>
  /** All of the account, their mailboxes locked in the order that everybody keeps (mailbox-functions.ts): no send is stored meanwhile. */
  lockAll(session: Session, account: Uint8Array): Promise<DeviceRow[]>
  add(session: Session, account: Uint8Array, device: { readonly deviceId: DeviceId; readonly signingKey: Uint8Array }): Promise<void>
  /** Removes devices and all that belongs to them: sessions with their tokens, queues, prekeys, remembered send ids. After `lockAll`. */
  drop(session: Session, deviceRows: readonly number[]): Promise<void>
}

export function createDevices(database: Database): Devices {
  const columns = 'device_row, device_id, signing_key'
  const find = database.statement<DeviceRow>('device', `SELECT ${columns} FROM {s}.devices WHERE account_id = $1 AND device_id = $2`)
  const list = database.statement<DeviceRow>('devices', `SELECT ${columns} FROM {s}.devices WHERE account_id = $1 ORDER BY device_row`)
  const locks = ['mailbox_heads', 'mailbox_tails'].map((table) =>
    database.statement(`lock_${table}`, `SELECT FROM {s}.${table} WHERE device_row = ANY ($1::bigint[]) ORDER BY device_row FOR UPDATE`),
  )
  const add = database.statement(
    'add_device',
    `WITH added AS (INSERT INTO {s}.devices (account_id, device_id, signing_key) VALUES ($1, $2, $3) RETURNING device_row),
     head AS (INSERT INTO {s}.mailbox_heads (device_row, last_sequence) SELECT device_row, 0 FROM added)
     INSERT INTO {s}.mailbox_tails (device_row, acknowledged) SELECT device_row, 0 FROM added`,
  )
  const drops = [
    database.statement(
      'drop_tokens',
      'DELETE FROM {s}.refresh_tokens WHERE session_id IN (SELECT session_id FROM {s}.sessions WHERE device_row = ANY ($1::bigint[]))',
    ),
    ...['sessions', 'mailbox_rows', 'mailbox_heads', 'mailbox_tails', 'one_time_prekeys', 'sends', 'leases', 'devices'].map((table) =>
      database.statement(`drop_${table}`, `DELETE FROM {s}.${table} WHERE device_row = ANY ($1::bigint[])`),
    ),
  ]
  return {
    find: (session, accountId, deviceId) => session.row(find, accountBytes(accountId), deviceId),
    async lockAll(session, account) {
      const rows = await session.rows(list, account)
      const deviceRows = rows.map(({ device_row }) => device_row)
      for (const lock of locks) await session.rows(lock, deviceRows)
      return rows
    },
    async add(session, account, { deviceId, signingKey }) {
      await session.run(add, account, deviceId, signingKey)
    },
    async drop(session, deviceRows) {
      if (deviceRows.length > 0) for (const drop of drops) await session.run(drop, deviceRows)
    },
  }
}
