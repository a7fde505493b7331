import type { DeviceId, Timestamp } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { keyOf, PREFIX } from './keys.js'
import { count, defineRecord } from './record.js'

const device = defineRecord(
  'own device',
  z.looseObject({
    name: z.optional(z.string()),
    platform: z.optional(z.string()),
    /** When the manifest that brought it was signed. */
    linkedAt: z.optional(count),
    /** The server's word, first millisecond of a day. */
    lastSeen: z.optional(count),
  }),
)
export type OwnDeviceRecord = ReturnType<typeof device.decode>

const alert = defineRecord(
  'device alert',
  z.looseObject({
    kind: z.enum(['added', 'removed', 'expired', 'primary', 'sign-in-refused', 'store-rolled-back']),
    deviceId: z.optional(z.custom<DeviceId>((value) => typeof value === 'number')),
    /** Of a device that is gone; of one that is there the list has it. */
    name: z.optional(z.string()),
    at: count,
  }),
)
export type AlertRecord = ReturnType<typeof alert.decode>

export const readOwnDevice = async (reader: Reader, deviceId: DeviceId): Promise<OwnDeviceRecord> =>
  (await device.read(reader, keyOf.ownDevice(deviceId))) ?? {}
export const writeOwnDevice = (tx: Transaction, deviceId: DeviceId, value: OwnDeviceRecord): void => device.write(tx, keyOf.ownDevice(deviceId), value)
export const deleteOwnDevice = (tx: Transaction, deviceId: DeviceId): void => tx.delete(keyOf.ownDevice(deviceId))

export async function listOwnDevices(reader: Reader): Promise<Map<DeviceId, OwnDeviceRecord>> {
  const rows = await reader.list(PREFIX.ownDevice)
  return new Map(rows.map(({ key, value }) => [Number(key.slice(PREFIX.ownDevice.length)) as DeviceId, device.decode(value)]))
}

/** Newest first. */
export async function listAlerts(reader: Reader): Promise<{ readonly key: string; readonly record: AlertRecord }[]> {
  return (await reader.list(PREFIX.deviceAlert, { reverse: true })).map(({ key, value }) => ({ key, record: alert.decode(value) }))
}

/** Above it the oldest go: somebody who can make that many has the account key, and the newest say so. */
const ALERTS_KEPT = 200

export async function addAlert(tx: Transaction, { number, ...value }: AlertRecord & { readonly number: number }): Promise<void> {
  alert.write(tx, keyOf.deviceAlert(number), value)
  const [oldest] = await tx.list(PREFIX.deviceAlert, { after: keyOf.deviceAlert(0), limit: 1 })
  if (oldest && Number(oldest.key.slice(PREFIX.deviceAlert.length)) <= number - ALERTS_KEPT) tx.delete(oldest.key)
}

const DAY = 86_400_000

/** Until when the device was there, as far as that is known: the end of the day that the server named, or its coming. */
export function idleSince({ lastSeen, linkedAt }: OwnDeviceRecord): Timestamp | undefined {
  if (lastSeen === undefined && linkedAt === undefined) return undefined
  return Math.max(lastSeen === undefined ? 0 : lastSeen + DAY, linkedAt ?? 0)
}
