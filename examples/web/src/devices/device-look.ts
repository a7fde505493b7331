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

/** "Last active today", "Linked on 3 March 2026"; the first one says most. */
export function deviceFacts({ current, lastSeen, linkedAt }: OwnDevice, now: number): readonly string[] {
  const seen = current ? 'In use now' : lastSeen === undefined ? undefined : `Last active ${daysAgo(lastSeen, now)}`
  const linked = linkedAt === undefined ? undefined : `Linked ${daysAgo(linkedAt, now)}`
  return [seen, linked].filter((part) => part !== undefined)
}
