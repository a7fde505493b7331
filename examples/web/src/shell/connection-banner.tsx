import { useConnection } from '@securechat/react'
import { CloudOff, LoaderCircle, RefreshCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { seconds } from '../format/time.js'
import { Button } from '../ui/button.js'
import { useLasting, useNow } from './browser-state.js'

function Bar({
  icon,
  children,
  action,
  tone,
}: {
  readonly icon: ReactNode
  readonly children: ReactNode
  readonly action?: ReactNode
  readonly tone: 'calm' | 'warning'
}) {
  return (
    <div
      data-testid="connection-banner"
      className={
        tone === 'warning'
          ? 'flex min-h-11 flex-wrap items-center justify-center gap-x-3 border-warning-line border-b bg-warning-soft px-4 py-1 text-sm text-warning-ink'
          : 'flex min-h-9 items-center justify-center gap-x-2 border-line border-b bg-sunken px-4 py-1 text-ink-soft text-sm'
      }
    >
      {icon}
      <p>{children}</p>
      {action}
    </div>
  )
}

/** Says when messages do not flow, why, and what happens next. Nothing while all is well. */
export function ConnectionBanner() {
  const { status, retryAt, synced, retryNow } = useConnection()
  // A reconnect that takes half a second need not flicker across the screen.
  const connecting = useLasting(status === 'connecting', 900)
  const catchingUp = useLasting(status === 'online' && !synced, 900)
  const now = useNow(status === 'offline' ? 1_000 : undefined)
  return (
    <div role="status">
      {status === 'offline' && (
        <Bar
          tone="warning"
          icon={<CloudOff className="size-4 shrink-0" aria-hidden />}
          action={
            <Button
              small
              variant="quiet"
              className="text-warning-ink! underline underline-offset-3 hover:bg-transparent!"
              onClick={retryNow}
              data-testid="retry-now"
            >
              Try now
            </Button>
          }
        >
          You are offline. <span aria-hidden>{retryAt !== undefined && retryAt > now ? `Trying again in ${seconds(retryAt - now)}.` : 'Trying again …'}</span>
        </Bar>
      )}
      {connecting && (
        <Bar tone="calm" icon={<LoaderCircle className="size-4 animate-spin" aria-hidden />}>
          Connecting …
        </Bar>
      )}
      {catchingUp && (
        <Bar tone="calm" icon={<LoaderCircle className="size-4 animate-spin" aria-hidden />}>
          Getting your new messages …
        </Bar>
      )}
      {status === 'update-required' && (
        <Bar
          tone="warning"
          icon={<RefreshCw className="size-4 shrink-0" aria-hidden />}
          action={
            <Button small variant="quiet" className="text-warning-ink! underline underline-offset-3 hover:bg-transparent!" onClick={() => location.reload()}>
              Reload
            </Button>
          }
        >
          A new version is needed.
        </Bar>
      )}
    </div>
  )
}
