import type { OwnDevice } from '@securechat/client'
import { Laptop, MonitorSmartphone, SquareTerminal } from 'lucide-react'
import { daysBefore } from '../format/time.js'

export const deviceName = ({ name, deviceId, current }: OwnDevice): string => name ?? (current ? 'This browser' : `Device ${deviceId}`)

export const deviceIcon = ({ platform, name }: OwnDevice) =>
  platform === 'node' ? SquareTerminal : platform === 'browser' || name?.includes(' on ') ? Laptop : MonitorSmartphone

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })

const daysAgo = (time: number, now: number): string => {
  const days = daysBefore(time, now)
  return days < 14 ? relative.format(-Math.max(0, days), 'day') : date.format(time)
}

/** "Active today · linked on 3 March 2026" */
export function deviceFacts({ current, lastSeen, linkedAt }: OwnDevice, now: number): string {
  const seen = current ? 'In use now' : lastSeen === undefined ? undefined : `Last active ${daysAgo(lastSeen, now)}`
  const linked = linkedAt === undefined ? undefined : `${seen ? 'linked' : 'Linked'} ${daysAgo(linkedAt, now)}`
  return [seen, linked].filter((part) => part !== undefined).join(' · ')
}

/** Chrome on Linux; for the other devices' lists. What the browser tells of itself, and so nothing to rely on. */
export function describeBrowser(userAgent: string): string {
  const browser =
    [
      ['Edg/', 'Edge'],
      ['OPR/', 'Opera'],
      ['Firefox/', 'Firefox'],
      ['Chrome/', 'Chrome'],
      ['Safari/', 'Safari'],
    ].find(([mark]) => userAgent.includes(mark!))?.[1] ?? 'Browser'
  const system = [
    ['Android', 'Android'],
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Mac OS X', 'Mac'],
    ['Windows', 'Windows'],
    ['CrOS', 'ChromeOS'],
    ['Linux', 'Linux'],
  ].find(([mark]) => userAgent.includes(mark!))?.[1]
  return system ? `${browser} on ${system}` : browser
}
