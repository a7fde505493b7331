import type { OwnDevice } from '@securechat/client'
import { Unlink } from 'lucide-react'
import { useNow } from '../shell/browser-state.js'
import { IconButton } from '../ui/button.js'
import { deviceFacts, deviceIcon, deviceName } from './device-look.js'

export function DeviceRow({ device, onRevoke }: { readonly device: OwnDevice; readonly onRevoke?: () => void }) {
  const now = useNow(undefined)
  const Icon = deviceIcon(device)
  const name = deviceName(device)
  const facts = deviceFacts(device, now)
  return (
    <li className="flex min-h-16 items-center gap-3 px-4 py-3" data-testid="device-row" data-device={device.deviceId}>
      <span aria-hidden className="grid size-10 shrink-0 place-items-center rounded-full bg-sunken text-accent-ink">
        <Icon className="size-5" />
      </span>
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="truncate font-medium" dir="auto">
            {name}
          </span>
          {device.primary && <span className="rounded-full bg-accent-soft px-2 py-0.5 font-semibold text-accent-ink text-xs">Primary</span>}
        </p>
        {facts && <p className="text-ink-soft text-sm">{facts}</p>}
      </div>
      {onRevoke && (
        <IconButton label={`Remove ${name}`} onClick={onRevoke} className="hover:bg-danger-soft! hover:text-danger!" data-testid="revoke-device">
          <Unlink className="size-[18px]" aria-hidden />
        </IconButton>
      )}
    </li>
  )
}
