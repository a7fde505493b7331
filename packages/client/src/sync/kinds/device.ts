import { type DeviceId, isDeviceId, LIMITS } from '@securechat/protocol'
import * as z from 'zod/mini'
import { listOwnDevices, readOwnDevice, writeOwnDevice } from '../../state/own-devices.js'
import { readPins } from '../../state/pins.js'
import { count } from '../../state/record.js'
import { defineKind } from '../kind.js'

const shortText = z.string().check(z.maxLength(LIMITS.labelCharacters))
const schema = z.object({ name: z.optional(shortText), platform: z.optional(shortText), linkedAt: z.optional(count) })

/** Devices that were heard of before the list that names them: no more than one account can have. */
const AHEAD = LIMITS.devicesPerAccount

/** What the account's devices are called, and what they run on: between them alone. Keys are device ids in decimal. */
export const deviceNames = defineKind<z.output<typeof schema>>({
  name: 'device',
  schema,
  register: true,
  async read(_context, reader, key) {
    const { name, platform, linkedAt } = await readOwnDevice(reader, Number(key) as DeviceId)
    if (name === undefined && platform === undefined) return undefined
    return { ...(name !== undefined && { name }), ...(platform !== undefined && { platform }), ...(linkedAt !== undefined && { linkedAt }) }
  },
  async write({ provider, identity }, tx, { key, value }) {
    const accountId = await identity.accountId()
    const pin = accountId && (await readPins(tx, provider, accountId))?.pin
    const deviceId = Number(key)
    if (!pin || !isDeviceId(deviceId) || String(deviceId) !== key) return
    const listed = pin.manifest.devices.some((device) => device.deviceId === deviceId)
    if (!listed && (deviceId <= pin.highestDeviceId || deviceId > pin.highestDeviceId + AHEAD)) return
    const before = await readOwnDevice(tx, deviceId)
    // When it came this device has seen itself, or not.
    writeOwnDevice(tx, deviceId, { ...before, ...value, ...(before.linkedAt !== undefined && { linkedAt: before.linkedAt }) })
  },
  keys: async (reader) => ({ keys: [...(await listOwnDevices(reader)).keys()].map(String) }),
})
