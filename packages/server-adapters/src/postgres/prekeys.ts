import type { DeviceId } from '@securechat/protocol'
import type { ClaimedBundle, PreKeyCount, PreKeyStore, PreKeyUpload } from '@securechat/server'
import type { Database, Session } from './database.js'
import type { Devices } from './devices.js'
import { accountBytes } from './rows.js'

/** Inside the caller's transaction. */
export type PublishPreKeys = (session: Session, deviceRow: number, upload: PreKeyUpload) => Promise<PreKeyCount>

interface CountRow {
  readonly one_time: number
  readonly signed_id: number | null
  readonly last_resort_id: number | null
}
interface BundleRow {
  readonly device_id: DeviceId
  readonly signed: Uint8Array
  readonly last_resort: Uint8Array
  readonly one_time: Uint8Array | null
  readonly remaining: number
}

export function postgresPreKeys(database: Database, devices: Devices): { store: PreKeyStore; publish: PublishPreKeys } {
  const lock = database.statement<{ highest_one_time: number }>('prekeys_lock', 'SELECT highest_one_time FROM {s}.devices WHERE device_row = $1 FOR UPDATE')
  const set = database.statement(
    'set_prekeys',
    `UPDATE {s}.devices SET signed_id = coalesce($2::bigint, signed_id), signed = coalesce($3::bytea, signed),
     last_resort_id = coalesce($4::bigint, last_resort_id), last_resort = coalesce($5::bytea, last_resort), highest_one_time = $6 WHERE device_row = $1`,
  )
  const count = database.statement<CountRow>(
    'prekey_count',
    `SELECT (SELECT count(*) FROM {s}.one_time_prekeys o WHERE o.device_row = d.device_row) AS one_time, d.signed_id, d.last_resort_id
     FROM {s}.devices d WHERE d.device_row = $1`,
  )
  const add = database.statement('add_prekey', 'INSERT INTO {s}.one_time_prekeys (device_row, key_id, bytes) VALUES ($1, $2, $3)')
  /** A key that somebody else is about to take is passed over: nobody waits, and each is deleted, so handed out, by one alone. */
  const claim = database.statement<BundleRow>(
    'claim_prekeys',
    `WITH asked AS MATERIALIZED (
       SELECT d.device_row, d.device_id, d.signed, d.last_resort FROM {s}.devices d
       WHERE d.account_id = $1 AND d.device_id = ANY ($2::bigint[]) AND d.signed IS NOT NULL AND d.last_resort IS NOT NULL
     ), picked AS MATERIALIZED (
       SELECT o.device_row, o.key_id FROM asked, LATERAL (
         SELECT p.device_row, p.key_id FROM {s}.one_time_prekeys p WHERE $3::boolean AND p.device_row = asked.device_row
         ORDER BY p.key_id LIMIT 1 FOR UPDATE SKIP LOCKED
       ) o
     ), claimed AS (
       DELETE FROM {s}.one_time_prekeys o USING picked WHERE o.device_row = picked.device_row AND o.key_id = picked.key_id RETURNING o.device_row, o.bytes
     )
     SELECT asked.device_id, asked.signed, asked.last_resort, claimed.bytes AS one_time,
       (SELECT count(*) FROM {s}.one_time_prekeys o WHERE o.device_row = asked.device_row) - (CASE WHEN claimed.device_row IS NULL THEN 0 ELSE 1 END) AS remaining
     FROM asked LEFT JOIN claimed ON claimed.device_row = asked.device_row`,
  )

  const countOf = async (session: Session, deviceRow: number): Promise<PreKeyCount> => {
    const { one_time, signed_id, last_resort_id } = (await session.row(count, deviceRow))!
    return { oneTime: one_time, ...(signed_id !== null && { signedKeyId: signed_id }), ...(last_resort_id !== null && { lastResortKeyId: last_resort_id }) }
  }
  const publish: PublishPreKeys = async (session, deviceRow, { signed, lastResort, oneTime, limit }) => {
    let highest = (await session.row(lock, deviceRow))!.highest_one_time
    let kept = (await session.row(count, deviceRow))!.one_time
    for (const { keyId, bytes } of [...oneTime].sort((a, b) => a.keyId - b.keyId)) {
      if (keyId <= highest || kept >= limit) continue
      await session.run(add, deviceRow, keyId, bytes)
      highest = keyId
      kept++
    }
    await session.run(set, deviceRow, signed?.keyId ?? null, signed?.bytes ?? null, lastResort?.keyId ?? null, lastResort?.bytes ?? null, highest)
    return countOf(session, deviceRow)
  }
  const bundleOf = ({ device_id, signed, last_resort, one_time, remaining }: BundleRow): ClaimedBundle => ({
    deviceId: device_id,
    signed,
    lastResort: last_resort,
    remaining,
    ...(one_time && { oneTime: one_time }),
  })

  return {
    publish,
    store: {
      publishPreKeys: (accountId, deviceId, upload) =>
        database.transaction(async (session) => {
          const device = await devices.find(session, accountId, deviceId)
          return device && publish(session, device.device_row, upload)
        }),
      async preKeyCount(accountId, deviceId) {
        const device = await devices.find(database, accountId, deviceId)
        return device && countOf(database, device.device_row)
      },
      async claimPreKeys({ accountId, deviceIds, oneTime }) {
        const unique = [...new Set(deviceIds)]
        const rows = await database.transaction((session) => session.rows(claim, accountBytes(accountId), unique, oneTime))
        const byDevice = new Map(rows.map((row) => [row.device_id, row]))
        return unique.flatMap((deviceId) => {
          const row = byDevice.get(deviceId)
          return row ? [bundleOf(row)] : []
        })
      },
    },
  }
}
