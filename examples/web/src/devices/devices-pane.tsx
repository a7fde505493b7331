import type { OwnDevice } from '@securechat/client'
import { useDevices } from '@securechat/react'
import { MonitorSmartphone, QrCode, ShieldAlert } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { PaneHeader } from '../chats/pane-header.js'
import { leave, useRoute } from '../shell/route.js'
import { useToast } from '../shell/toast.js'
import { Button } from '../ui/button.js'
import { DeviceDialog } from './device-dialog.js'
import { DeviceRow } from './device-row.js'
import { RevokeDialog } from './revoke-dialog.js'

const LinkDialog = lazy(() => import('./link-dialog.js'))
const PromoteDialog = lazy(() => import('./promote-dialog.js'))

/** Settings → Linked devices. */
export default function DevicesPane() {
  const { chat } = useRoute()
  const toast = useToast()
  const { status, data: devices } = useDevices()
  const [linking, setLinking] = useState(false)
  const [promoting, setPromoting] = useState(false)
  const [shown, setShown] = useState<OwnDevice>()
  const [revoking, setRevoking] = useState<OwnDevice>()
  const own = devices?.find(({ current }) => current)
  const others = devices?.filter(({ current }) => !current) ?? []
  return (
    <>
      <PaneHeader title="Linked devices" backLabel="Back to the settings" onBack={() => leave({ pane: 'settings', chat })} />
      <div className="flex min-h-0 flex-1 flex-col gap-6 overflow-y-auto px-5 pt-2 pb-8">
        {own?.primary && (
          <section className="flex flex-col items-center gap-4 rounded-3xl bg-sunken px-5 py-6 text-center" aria-label="Link a device">
            <span aria-hidden className="grid size-16 place-items-center rounded-full bg-accent-soft text-accent-ink">
              <MonitorSmartphone className="size-8" />
            </span>
            <p className="max-w-xs text-pretty text-ink-soft">
              Use SecureChat on your other devices too. Each gets keys of its own; none needs this one to be online.
            </p>
            <Button icon={<QrCode className="size-[18px]" aria-hidden />} onClick={() => setLinking(true)} data-testid="link-device" data-focus-home>
              Link a device
            </Button>
          </section>
        )}
        {own && !own.primary && (
          <section aria-label="Primary device" className="flex flex-col items-start gap-2 rounded-2xl bg-sunken p-4 text-sm">
            <p className="flex gap-3 text-pretty text-ink-soft">
              <ShieldAlert className="mt-0.5 size-5 shrink-0 text-accent-ink" aria-hidden />
              Devices are linked and removed on your primary device. If you see one here that you do not know, remove it there.
            </p>
            <Button small variant="quiet" className="ml-5" onClick={() => setPromoting(true)} data-testid="promote" data-focus-home>
              Make this your primary device …
            </Button>
          </section>
        )}
        {status === 'loading' ? (
          <div role="status" aria-label="Loading your devices" className="h-36 animate-pulse rounded-2xl bg-sunken" />
        ) : (
          <>
            <DeviceList title="This device" devices={own ? [own] : []} onOpen={setShown} />
            <DeviceList title="Other devices" devices={others} empty="None yet." onOpen={setShown} />
          </>
        )}
      </div>
      {linking && (
        <Suspense>
          <LinkDialog
            onClose={() => setLinking(false)}
            onLinked={(kind) => {
              setLinking(false)
              toast(kind === 'promotion' ? 'Another device is your primary device now' : 'The device is linked')
            }}
          />
        </Suspense>
      )}
      {promoting && (
        <Suspense>
          <PromoteDialog onClose={() => setPromoting(false)} />
        </Suspense>
      )}
      {shown && (
        <DeviceDialog
          device={shown}
          onClose={() => setShown(undefined)}
          {...(own?.primary &&
            !shown.current && {
              onRemove: () => {
                setShown(undefined)
                setRevoking(shown)
              },
            })}
        />
      )}
      <RevokeDialog device={revoking} onClose={() => setRevoking(undefined)} />
    </>
  )
}

interface DeviceListProps {
  readonly title: string
  readonly devices: readonly OwnDevice[]
  readonly empty?: string
  readonly onOpen: (device: OwnDevice) => void
}

function DeviceList({ title, devices, empty, onOpen }: DeviceListProps) {
  if (devices.length === 0 && empty === undefined) return null
  return (
    <section className="flex flex-col gap-2">
      <h2 className="px-1 font-semibold text-ink-soft text-sm">{title}</h2>
      {devices.length === 0 ? (
        <p className="px-1 text-ink-soft">{empty}</p>
      ) : (
        <ul className="flex flex-col overflow-hidden rounded-2xl border border-line [&>li+li]:border-line [&>li+li]:border-t">
          {devices.map((device) => (
            <DeviceRow key={device.deviceId} device={device} onOpen={() => onOpen(device)} />
          ))}
        </ul>
      )}
    </section>
  )
}
