import { useStorageState } from '@securechat/react'
import { HardDrive } from 'lucide-react'

/** Before the browser refuses to store what comes. */
export function LowSpaceBanner() {
  const { data: storage } = useStorageState()
  return (
    <div role="status">
      {storage?.risks.includes('quota-low') && (
        <div
          data-testid="low-space"
          className="flex min-h-11 items-center justify-center gap-x-3 border-warning-line border-b bg-warning-soft px-4 py-1 text-sm text-warning-ink"
        >
          <HardDrive className="size-4 shrink-0" aria-hidden />
          <p className="text-pretty">Space for messages is nearly used up on this device. Free some, or new messages cannot be stored.</p>
        </div>
      )}
    </div>
  )
}
