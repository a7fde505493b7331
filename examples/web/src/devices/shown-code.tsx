import { lazy, Suspense } from 'react'
import { countdown } from '../format/time.js'
import { useNow } from '../shell/browser-state.js'
import { Waiting } from '../ui/spinner.js'

const QrCode = lazy(() => import('../ui/qr-code.js'))

/** For the camera of the device that one has already, and as text where it has none. */
export function ShownCode({ shown }: { readonly shown?: { readonly code: string; readonly expiresAt: number } }) {
  const now = useNow(1_000)
  const empty = <Waiting className="aspect-square w-full max-w-72 rounded-2xl bg-sunken">Making a code …</Waiting>
  if (!shown) return <div className="grid place-items-center">{empty}</div>
  return (
    <div className="flex flex-col items-center gap-3">
      <div className="aspect-square w-full max-w-72 rounded-2xl border border-line">
        <Suspense fallback={empty}>
          <QrCode text={shown.code} label="Linking code. Its text is below, for a device without a camera." />
        </Suspense>
      </div>
      <p className="text-ink-soft text-sm tabular-nums" data-testid="code-expiry">
        {shown.expiresAt > now ? `A new code in ${countdown(shown.expiresAt - now)}` : 'Making a new code …'}
      </p>
      <details className="w-full rounded-2xl border border-line px-4 py-3 text-sm open:bg-sunken">
        <summary className="cursor-pointer font-medium">No camera on the other device?</summary>
        <p className="pt-2 text-pretty text-ink-soft">Type or copy this text there. Give it to nobody: it is for your own device.</p>
        <p className="select-all break-all pt-2 font-mono text-xs leading-relaxed" data-testid="link-code">
          {shown.code}
        </p>
      </details>
    </div>
  )
}
