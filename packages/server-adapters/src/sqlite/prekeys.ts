import type { PreKeyCount, PreKeyStore, PreKeyUpload } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { Batch } from './batch.js'
import type { Devices } from './devices.js'

/** Inside the caller's transaction. */
export type PublishPreKeys = (deviceRow: number, upload: PreKeyUpload) => PreKeyCount

interface Statuses {
  readonly signed_id: number | null
  readonly signed: Uint8Array | null
  readonly last_resort_id: number | null
  readonly last_resort: Uint8Array | null
  readonly highest_one_time: number
}

export function sqlitePreKeys(database: SqlDriver, batch: Batch, devices: Devices): { store: PreKeyStore; publish: PublishPreKeys } {
  const status = database.prepare<Statuses>('SELECT signed_id, signed, last_resort_id, last_resort, highest_one_time FROM devices WHERE device_row = ?')
  const setSigned = database.prepare('UPDATE devices SET signed_id = ?, signed = ? WHERE device_row = ?')
  const setLastResort = database.prepare('UPDATE devices SET last_resort_id = ?, last_resort = ? WHERE device_row = ?')
  const setHighest = database.prepare('UPDATE devices SET highest_one_time = ? WHERE device_row = ?')
  const count = database.prepare<{ n: number }>('SELECT count(*) AS n FROM one_time_prekeys WHERE device_row = ?')
  const add = database.prepare('INSERT INTO one_time_prekeys (device_row, key_id, bytes) VALUES (?, ?, ?)')
  const lowest = database.prepare<{ key_id: number; bytes: Uint8Array }>(
    'SELECT key_id, bytes FROM one_time_prekeys WHERE device_row = ? ORDER BY key_id LIMIT 1',
  )
  const remove = database.prepare('DELETE FROM one_time_prekeys WHERE device_row = ? AND key_id = ?')

  const countOf = (deviceRow: number): PreKeyCount => {
    const { signed_id, last_resort_id } = status.get(deviceRow)!
    return {
      oneTime: count.get(deviceRow)!.n,
      ...(signed_id !== null && { signedKeyId: signed_id }),
      ...(last_resort_id !== null && { lastResortKeyId: last_resort_id }),
    }
  }
  const publish: PublishPreKeys = (deviceRow, { signed, lastResort, oneTime, limit }) => {
    if (signed) setSigned.run(signed.keyId, signed.bytes, deviceRow)
    if (lastResort) setLastResort.run(lastResort.keyId, lastResort.bytes, deviceRow)
    let highest = status.get(deviceRow)!.highest_one_time
    let kept = count.get(deviceRow)!.n
    for (const { keyId, bytes } of [...oneTime].sort((a, b) => a.keyId - b.keyId)) {
      if (keyId <= highest || kept >= limit) continue
      add.run(deviceRow, keyId, bytes)
      highest = keyId
      kept++
    }
    setHighest.run(highest, deviceRow)
    return countOf(deviceRow)
  }

  return {
    publish,
    store: {
      publishPreKeys: (accountId, deviceId, upload) =>
        batch.write(() => {
          const device = devices.find(accountId, deviceId)
          return device && publish(device.device_row, upload)
        }),
      preKeyCount: async (accountId, deviceId) =>
        batch.read(() => {
          const device = devices.find(accountId, deviceId)
          return device && countOf(device.device_row)
        }),
      claimPreKeys: ({ accountId, deviceIds, oneTime }) =>
        batch.write(() =>
          [...new Set(deviceIds)].flatMap((deviceId) => {
            const device = devices.find(accountId, deviceId)
            const keys = device && status.get(device.device_row)
            if (!device || !keys?.signed || !keys.last_resort) return []
            const claimed = oneTime ? lowest.get(device.device_row) : undefined
            if (claimed) remove.run(device.device_row, claimed.key_id)
            const bundle = { deviceId, signed: keys.signed, lastResort: keys.last_resort, remaining: count.get(device.device_row)!.n }
            return [claimed ? { ...bundle, oneTime: claimed.bytes } : bundle]
          }),
        ),
    },
  }
}
