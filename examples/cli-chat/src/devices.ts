import type { Client, OwnDevice } from '@securechat/client'
import { type Printer, plainName } from './printer.js'

const day = (time: number): string => new Date(time).toISOString().slice(0, 10)

function line({ deviceId, name, primary, current, lastSeen }: OwnDevice): string {
  const notes = [primary && 'primary', current && 'this one', !current && lastSeen !== undefined && `last active ${day(lastSeen)}`].filter(
    (note) => note !== false,
  )
  return `${deviceId}. ${name === undefined ? 'a device' : plainName(name)}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`
}

export async function listDevices(chat: Client, printer: Printer): Promise<void> {
  for (const device of await chat.devices.list()) {
    const { deviceId, name, primary, current, lastSeen } = device
    printer.say('device', line(device), { deviceId, name, primary, current, lastSeen })
  }
}

export async function revokeDevice(chat: Client, argument: string, printer: Printer): Promise<void> {
  const device = (await chat.devices.list()).find(({ deviceId }) => deviceId === Number(argument))
  if (!device) return printer.say('problem', 'There is no such device; /devices lists them.')
  await chat.devices.revoke(device.deviceId)
  printer.say('revoked', `Device ${device.deviceId} is signed out and gets no more messages.`, { deviceId: device.deviceId })
}

export async function renameDevice(chat: Client, argument: string, printer: Printer): Promise<void> {
  const [number = '', ...words] = argument.split(' ')
  const device = (await chat.devices.list()).find(({ deviceId }) => deviceId === Number(number))
  if (!device) return printer.say('problem', 'There is no such device; /devices lists them.')
  await chat.devices.rename(device.deviceId, words.join(' ').trim())
}
