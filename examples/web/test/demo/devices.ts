import { type Client, type DeviceAlert, type HistoryTransfer, type OwnDevice, SecureChatError } from '@securechat/client'
import { OWN_ID } from './data.js'
import type { DemoState } from './live.js'

export interface DemoLinking {
  /** This browser is not the primary device. */
  readonly linkedOnly?: boolean
  /** Somebody scans the shown code at once. */
  readonly answered?: boolean
  /** Nobody scans it. */
  readonly expired?: boolean
  /** Older messages on their way. */
  readonly history?: readonly HistoryTransfer[]
  /** Something has happened to the list. */
  readonly alerted?: boolean
}

export const DEMO_HISTORY: Readonly<Record<string, readonly HistoryTransfer[]>> = {
  'linked-device-history': [{ direction: 'receiving', status: 'running', progress: { done: 420, total: 1_900 }, expiresAt: Date.now() + 80_000_000 }],
  'linked-device-history-expired': [{ direction: 'receiving', status: 'expired', progress: { done: 420, total: 1_900 }, expiresAt: Date.now() - 3_600_000 }],
}

const CODE = 'AQtTQzEvbGluaw'.padEnd(300, 'aZ3kP9_wLq-7Vx0')
const DIGITS = '204917'
const never = new Promise<never>(() => undefined)
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60))
const asDevice = (id: number) => id as OwnDevice['deviceId']

type Devices = Omit<Client['devices'], 'safetyNumber' | 'setVerified' | 'acceptIdentity'>

/** Codes that begin with a word show what can go wrong: `expired`, `stranger`, `middle`, `slow`; the digits are 204917. */
export function demoDevices(state: DemoState, { linkedOnly = false, answered = false, expired = false, alerted = false, history = [] }: DemoLinking): Devices {
  const now = Date.now()
  const day = 86_400_000
  let devices: readonly OwnDevice[] = [
    {
      deviceId: asDevice(1),
      addedVersion: 1,
      primary: !linkedOnly,
      current: !linkedOnly,
      name: 'Chrome on Linux',
      platform: 'browser',
      linkedAt: now - 210 * day,
    },
    {
      deviceId: asDevice(3),
      addedVersion: 4,
      primary: linkedOnly,
      current: false,
      name: 'Alex’s phone',
      platform: 'browser',
      linkedAt: now - 40 * day,
      lastSeen: now,
    },
    {
      deviceId: asDevice(4),
      addedVersion: 5,
      primary: false,
      current: linkedOnly,
      name: 'Firefox on Mac',
      platform: 'browser',
      linkedAt: now - 3 * day,
      lastSeen: now - 2 * day,
    },
    {
      deviceId: asDevice(5),
      addedVersion: 6,
      primary: false,
      current: false,
      name: 'cli-chat',
      platform: 'node',
      linkedAt: now - 300 * day,
      lastSeen: now - 25 * day,
    },
    { deviceId: asDevice(6), addedVersion: 7, primary: false, current: false },
  ]
  let alerts: readonly DeviceAlert[] = alerted
    ? [
        { id: 'b', kind: 'sign-in-refused', at: now - 3_600_000 },
        { id: 'a', kind: 'added', deviceId: asDevice(4), name: 'Firefox on Mac', at: now - 3 * day },
      ]
    : []
  return {
    list: async () => devices,
    live: () => state.live(() => devices),
    async requestLink() {
      return {
        code: CODE,
        expiresAt: now + 96_000,
        cancel: () => undefined,
        async answered() {
          if (expired) throw new SecureChatError('devices/link-expired')
          if (!answered) return never
          return { accountId: OWN_ID, phone: '+14155550100', digits: DIGITS, expiresAt: now + 96_000, confirm: () => never }
        },
      }
    },
    async scanLink(code) {
      await soon()
      if (code.startsWith('slow')) return never
      if (code.startsWith('expired')) throw new SecureChatError('devices/link-expired')
      if (code.startsWith('middle')) throw new SecureChatError('crypto/authentication-failed')
      if (code.length < 100) throw new SecureChatError('client/invalid-argument')
      return {
        kind: code.startsWith('promotion') ? 'promotion' : 'link',
        deviceId: asDevice(code.startsWith('promotion') ? 4 : 7),
        digits: DIGITS,
        expiresAt: now + 84_000,
        cancel: () => undefined,
        async approve(typed) {
          if (typed === '111111') return never
          if (typed === '222222') throw new SecureChatError('devices/link-expired')
          if (typed !== DIGITS) throw new SecureChatError('devices/link-mismatch')
          await soon()
          devices = [...devices, { deviceId: asDevice(7), addedVersion: 8, primary: false, current: false }]
          state.changed()
          return { deviceId: asDevice(7) }
        },
      }
    },
    async revoke(deviceId) {
      await soon()
      devices = devices.filter((device) => device.deviceId !== deviceId)
      state.changed()
    },
    async rename(deviceId, name) {
      devices = devices.map((device) => (device.deviceId === deviceId ? { ...device, name } : device))
      state.changed()
    },
    idle: async () => devices.filter(({ primary }) => !primary),
    alerts: {
      list: async () => alerts,
      live: () => state.live(() => alerts),
      async acknowledge(alert) {
        alerts = alerts.filter(({ id }) => id !== alert)
        state.changed()
      },
    },
    history: { state: async () => history, live: () => state.live(() => history) },
    async requestPromotion() {
      return {
        code: CODE,
        expiresAt: now + 96_000,
        warnings: ['storage-not-persistent', 'no-recovery-words'],
        cancel: () => undefined,
        async answered() {
          if (!answered) return never
          return { accountId: OWN_ID, digits: DIGITS, expiresAt: now + 96_000, confirm: () => never }
        },
      }
    },
  }
}
