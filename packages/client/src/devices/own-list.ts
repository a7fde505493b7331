import { DEVICE_FLAGS, decodeManifest, type Manifest, type ManifestPin } from '@securechat/crypto'
import type { DeviceId } from '@securechat/protocol'
import type { Context } from '../context.js'
import { nextCounter } from '../state/counters.js'
import type { Transaction } from '../state/database.js'
import { type AlertRecord, addAlert, deleteOwnDevice, idleSince, listAlerts, readOwnDevice, writeOwnDevice } from '../state/own-devices.js'

const DAY = 86_400_000

/** The device that signs: the one that is flagged. Manifests have one; of several the first counts everywhere. */
export const primaryOf = ({ devices }: Pick<Manifest, 'devices'>): DeviceId | undefined =>
  devices.find(({ flags }) => (flags & DEVICE_FLAGS.primary) !== 0)?.deviceId

export async function tellAlert({ clock }: Pick<Context, 'clock'>, tx: Transaction, alert: Omit<AlertRecord, 'at'>): Promise<void> {
  await addAlert(tx, { ...alert, at: clock.now(), number: await nextCounter(tx, 'alert') } as AlertRecord & { number: number })
}

export interface OwnChange {
  readonly before: ManifestPin
  /** What was verified and follows `before`, oldest first; it may begin with the pinned manifest itself. */
  readonly chain: readonly Uint8Array[]
  readonly self: DeviceId
  readonly idleDays: number
}

/**
 * What happened to the own list since this device last saw it, manifest by manifest, so that one that came and went again meanwhile is told of too; in the commit that
 * believes it.
 */
export async function tellOwnChange(context: Context, tx: Transaction, { before, chain, self, idleDays }: OwnChange): Promise<void> {
  let current = before.manifest
  for (const bytes of chain) {
    const next = decodeManifest(context.provider, bytes)
    if (next.version <= current.version) continue
    for (const { deviceId } of next.devices) {
      if (lists(current, deviceId)) continue
      writeOwnDevice(tx, deviceId, { ...(await readOwnDevice(tx, deviceId)), linkedAt: next.notBefore })
      await tellAlert(context, tx, { kind: 'added', deviceId })
    }
    for (const { deviceId } of current.devices) {
      if (lists(next, deviceId) || deviceId === self) continue
      const known = await readOwnDevice(tx, deviceId)
      const since = idleSince(known)
      const kind = since !== undefined && next.notBefore - since >= idleDays * DAY ? 'expired' : 'removed'
      await tellAlert(context, tx, { kind, deviceId, ...(known.name !== undefined && { name: known.name }) })
      deleteOwnDevice(tx, deviceId)
    }
    const primary = primaryOf(next)
    if (primary !== undefined && primary !== primaryOf(current)) await tellAlert(context, tx, { kind: 'primary', deviceId: primary })
    current = next
  }
}

const lists = ({ devices }: Manifest, deviceId: DeviceId): boolean => devices.some((device) => device.deviceId === deviceId)

/** Somebody had a right code for the number and a wrong PIN. Told once until it is acknowledged, however often the server says so. */
export async function tellRefusal(context: Pick<Context, 'db' | 'clock'>): Promise<void> {
  await context.db.run(async (tx) => {
    if ((await listAlerts(tx)).some(({ record }) => record.kind === 'sign-in-refused')) return
    await tellAlert(context, tx, { kind: 'sign-in-refused' })
  })
}
