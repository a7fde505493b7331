import type { Context } from '../context.js'
import { createLiveQuery } from '../live/live-query.js'
import { PREFIX } from '../state/keys.js'
import { listAlerts, readOwnDevice } from '../state/own-devices.js'
import type { DeviceAlert, DeviceAlerts } from './types.js'

/** Alerts are rows of the store: what happened while this device was off is there at the next start, and stays until it is acknowledged. */
export function createAlerts({ db, storage, logger }: Context): DeviceAlerts {
  const list = async (): Promise<readonly DeviceAlert[]> => {
    const alerts = await Promise.all(
      (await listAlerts(db)).map(async ({ key, record: { kind, deviceId, at, ...rest } }) => {
        const name = rest.name ?? (deviceId === undefined ? undefined : (await readOwnDevice(db, deviceId)).name)
        return Object.freeze({
          id: key.slice(PREFIX.deviceAlert.length),
          kind,
          at,
          ...(deviceId !== undefined && { deviceId }),
          ...(name !== undefined && { name }),
        })
      }),
    )
    return Object.freeze(alerts)
  }
  return {
    list,
    live: () =>
      createLiveQuery({
        logger,
        watch(onChange) {
          const ends = [PREFIX.deviceAlert, PREFIX.ownDevice].map((prefix) => storage.watch(prefix, onChange))
          return () => {
            for (const end of ends) end()
          }
        },
        load: list,
      }),
    acknowledge: (id) => db.run(async (tx) => tx.delete(`${PREFIX.deviceAlert}${/^\d{16}$/.test(id) ? id : ''}`)),
  }
}
