import type { DeviceAlert } from '@securechat/client'
import { useAction, useDeviceAlerts } from '@securechat/react'
import { MonitorSmartphone, ShieldAlert } from 'lucide-react'
import { dayLabel, timeOfDay } from '../format/time.js'
import { useNow } from '../shell/browser-state.js'
import { open, useRoute } from '../shell/route.js'
import { Button } from '../ui/button.js'

const nameOf = ({ name, deviceId }: DeviceAlert): string => name ?? `Device ${deviceId}`

/** What happened, and what to do if it was not the person. */
const TEXTS: Readonly<Record<DeviceAlert['kind'], (alert: DeviceAlert) => readonly [title: string, text: string]>> = {
  added: (alert) => [`${nameOf(alert)} was linked`, 'It reads all your new messages. If that was not you, remove it at once.'],
  removed: (alert) => [`${nameOf(alert)} was removed`, 'It gets no more messages. If that was not you, look at your devices.'],
  expired: (alert) => [`${nameOf(alert)} was signed out`, 'It had not been used for a long time. Link it again to use it.'],
  primary: (alert) => [`${nameOf(alert)} is your primary device now`, 'It links and removes devices. If that was not you, look at your devices.'],
  'sign-in-refused': () => [
    'Somebody tried to sign in with your number',
    'They had the right code and not your PIN, so they were refused. Keep the PIN to yourself.',
  ],
  'store-rolled-back': () => [
    'This device went back to an earlier state',
    'Its data was restored from a copy, or is used in two places. Messages from the time between may be missing here. If you did not do that, look at your devices.',
  ],
}

/** Above the chats on every device until somebody has seen it here. */
export function DeviceAlerts() {
  const { data: alerts } = useDeviceAlerts()
  const { chat } = useRoute()
  const now = useNow(undefined)
  const seen = useAction((client, id: string) => client.devices.alerts.acknowledge(id))
  const newest = alerts?.[0]
  if (!newest) return null
  const [title, text] = TEXTS[newest.kind](newest)
  const more = (alerts?.length ?? 1) - 1
  const Icon = newest.kind === 'sign-in-refused' || newest.kind === 'store-rolled-back' ? ShieldAlert : MonitorSmartphone
  return (
    <section
      aria-label="About your devices"
      className="mx-3 mt-1 mb-2 flex gap-3 rounded-2xl border border-warning-line bg-warning-soft p-3.5 text-warning-ink"
      data-testid="device-alert"
    >
      <Icon className="mt-0.5 size-5 shrink-0" aria-hidden />
      <div className="min-w-0 flex-1">
        <p role="status" className="font-semibold" dir="auto">
          {title}
        </p>
        <p className="text-pretty text-sm">{text}</p>
        <p className="pt-0.5 text-xs">
          {dayLabel(newest.at, now)}, {timeOfDay(newest.at)}
          {more > 0 && ` · ${more} more`}
        </p>
        <div className="-ml-3 flex flex-wrap gap-1 pt-1">
          <Button
            small
            variant="quiet"
            className="text-warning-ink! hover:bg-warning-line!"
            pending={seen.pending}
            onClick={() => void seen.run(newest.id)}
            data-testid="alert-seen"
          >
            {newest.kind === 'sign-in-refused' ? 'OK' : 'That was me'}
          </Button>
          <Button small variant="quiet" className="text-warning-ink! hover:bg-warning-line!" onClick={() => open({ pane: 'devices', chat })}>
            Look at my devices
          </Button>
        </div>
      </div>
    </section>
  )
}
