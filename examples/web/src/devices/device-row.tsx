import type { OwnDevice } from '@securechat/client'
import { ChevronRight } from 'lucide-react'
import { useNow } from '../shell/browser-state.js'
import { deviceFacts, deviceIcon, deviceName } from './device-look.js'

export function DeviceRow({ device, onOpen }: { readonly device: OwnDevice; readonly onOpen: () => void }) {
  const now = useNow(undefined)
  const Icon = deviceIcon(device)
  const [fact] = deviceFacts(device, now)
  return (
    <li>
      <button
        type="button"
        onClick={onOpen}
        className="flex min-h-16 w-full items-center gap-3 px-4 py-3 text-left transition-colors hover:bg-hover"
        data-testid="device-row"
        data-device={device.deviceId}
      >
        <span aria-hidden className="grid size-10 shrink-0 place-items-center rounded-full bg-sunken text-accent-ink">
          <Icon className="size-5" />
        </span>
        <span className="min-w-0 flex-1">
          <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <span className="truncate font-medium" dir="auto">
              {deviceName(device)}
            </span>
            {device.primary && <span className="rounded-full bg-accent-soft px-2 py-0.5 font-semibold text-accent-ink text-xs">Primary</span>}
          </span>
          {fact && <span className="block text-ink-soft text-sm">{fact}</span>}
        </span>
        <ChevronRight className="size-[18px] shrink-0 text-ink-faint" aria-hidden />
      </button>
    </li>
  )
}
