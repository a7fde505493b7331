import { DEVICE_FLAGS } from '@securechat/crypto'
import { type DeviceId, LIMITS, SecureChatError } from '@securechat/protocol'
import type { Context } from '../context.js'
import { readPendingManifest } from '../state/account.js'
import { idleSince, listOwnDevices, readOwnDevice, writeOwnDevice } from '../state/own-devices.js'
import { readPins } from '../state/pins.js'
import { shareSoon } from '../sync/due.js'
import { deviceNames } from '../sync/kinds/device.js'
import type { Manifests } from './manifests.js'
import { publishPending, signNext } from './renewal.js'
import { signer } from './signer.js'

const DAY = 86_400_000

/** What this device tells the others of itself. */
export interface Introduction {
  readonly name?: string | undefined
  readonly platform: string
}

/** Writes down what this device is, and when those came that the newest list has brought; the other devices are told of the former. */
export async function introduceSelf(context: Context, { name, platform }: Introduction): Promise<void> {
  const { accountId, deviceId } = await context.identity.self()
  await context.db.run(async (tx) => {
    const manifest = (await readPins(tx, context.provider, accountId))?.pin.manifest
    for (const listed of manifest?.devices ?? []) {
      const row = await readOwnDevice(tx, listed.deviceId)
      if (manifest && row.linkedAt === undefined && listed.addedVersion === manifest.version)
        writeOwnDevice(tx, listed.deviceId, { ...row, linkedAt: manifest.notBefore })
    }
    const own = await readOwnDevice(tx, deviceId)
    const next = { ...own, platform, ...(own.name === undefined && name !== undefined && { name }) }
    if (next.name === own.name && next.platform === own.platform) return
    writeOwnDevice(tx, deviceId, next)
    await shareSoon(context, tx, { kind: deviceNames.name, keys: [String(deviceId)] })
  })
}

/** A person's name for a device; told to the others. Throws `client/not-found`, `client/invalid-argument`. */
export async function renameDevice(context: Context, deviceId: DeviceId, name: string): Promise<void> {
  const given = typeof name === 'string' ? name.trim() : ''
  if (given.length === 0 || given.length > LIMITS.labelCharacters) throw new SecureChatError('client/invalid-argument', { detail: 'device name' })
  const { accountId } = await context.identity.self()
  await context.db.run(async (tx) => {
    const manifest = (await readPins(tx, context.provider, accountId))?.pin.manifest
    if (!manifest?.devices.some((device) => device.deviceId === deviceId)) throw new SecureChatError('client/not-found', { detail: 'device' })
    writeOwnDevice(tx, deviceId, { ...(await readOwnDevice(tx, deviceId)), name: given })
    await shareSoon(context, tx, { kind: deviceNames.name, keys: [String(deviceId)] })
  })
}

/** Asks the server on which days the devices were there. */
export async function refreshSeen(context: Context): Promise<void> {
  const { devices } = await context.network.connection.call('devices.seen', {})
  const known = await listOwnDevices(context.db)
  const changed = devices.filter(({ deviceId, lastSeen }) => lastSeen !== undefined && known.get(deviceId)?.lastSeen !== lastSeen)
  if (changed.length === 0) return
  const { accountId } = await context.identity.self()
  await context.db.run(
    async (tx) => {
      const manifest = (await readPins(tx, context.provider, accountId))?.pin.manifest
      for (const { deviceId, lastSeen } of changed) {
        if (lastSeen === undefined || !manifest?.devices.some((device) => device.deviceId === deviceId)) continue
        writeOwnDevice(tx, deviceId, { ...(await readOwnDevice(tx, deviceId)), lastSeen })
      }
    },
    { durability: 'relaxed' },
  )
}

/**
 * On the primary device: takes off the list whoever was not there for `days`. Both clocks have to say so, this device's and the server's (the day on which the server saw this
 * very device), so that neither a wrong clock nor a lying server's can empty the list; what the server can do is name old days.
 */
export async function expireIdle(context: Context, manifests: Manifests, days: number): Promise<void> {
  const { db, clock } = context
  const { deviceId: self } = await context.identity.self()
  const signed = await db.run(async (tx) => {
    const found = await signer(context, tx)
    if (!found || (await readPendingManifest(tx))) return false
    const { lastSeen } = await readOwnDevice(tx, self)
    if (lastSeen === undefined) return false
    const today = Math.min(clock.now(), lastSeen + DAY)
    const { manifest: current } = found.pin
    const kept = []
    for (const device of current.devices) {
      const since = idleSince(await readOwnDevice(tx, device.deviceId))
      const spared = device.deviceId === self || (device.flags & DEVICE_FLAGS.primary) !== 0 || since === undefined
      if (spared || today - since < days * DAY) kept.push(device)
    }
    if (kept.length === current.devices.length) return false
    signNext(context, tx, { keys: found.keys, current, devices: kept })
    return true
  })
  if (signed) await publishPending(context, manifests)
}
