import type { Client, DeviceAlert } from '@securechat/client'
import { report } from './asking.js'
import { type Printer, plainName } from './printer.js'

const nameOf = ({ name, deviceId }: DeviceAlert): string => (name === undefined ? `Device ${deviceId}` : plainName(name))

const TEXTS: Readonly<Record<DeviceAlert['kind'], (alert: DeviceAlert) => string>> = {
  added: (alert) => `${nameOf(alert)} was linked and reads your new messages. Not you? /devices lists it, /revoke removes it.`,
  removed: (alert) => `${nameOf(alert)} was removed and gets no more messages.`,
  expired: (alert) => `${nameOf(alert)} was signed out: it had not been used for a long time.`,
  primary: (alert) => `${nameOf(alert)} is your primary device now.`,
  'sign-in-refused': () => 'Somebody tried to sign in with your number: they had the code and not your PIN, and were refused.',
  'store-rolled-back': () =>
    'The data of this device were put back to an earlier state, or are used in two places. Messages from the time between may be missing. Not you? /devices shows your devices.',
}

/** Shows what happened to the own devices, also while this one was off, oldest first. What was written to the terminal counts as seen. */
export function listenToAlerts(chat: Client, printer: Printer): void {
  const alerts = chat.devices.alerts.live()
  const told = new Set<string>()
  const tell = (): void => {
    const fresh = alerts.get()?.filter(({ id }) => !told.has(id)) ?? []
    for (const alert of [...fresh].reverse()) {
      told.add(alert.id)
      printer.say('device-alert', TEXTS[alert.kind](alert), { kind: alert.kind, deviceId: alert.deviceId, name: alert.name, at: alert.at })
      chat.devices.alerts.acknowledge(alert.id).catch((error: unknown) => report(error, printer))
    }
  }
  alerts.subscribe(tell)
  tell()
}
