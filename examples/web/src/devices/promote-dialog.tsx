import type { PromotionWarning } from '@securechat/client'
import { type PromotionRequestState, usePromotionRequest } from '@securechat/react'
import { CircleCheckBig, CircleX, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { hasCode } from '../format/error-text.js'
import { Button } from '../ui/button.js'
import { AppDialog } from '../ui/dialog.js'
import { Waiting } from '../ui/spinner.js'
import { linkProblem } from './link-problem.js'
import { ShownCode } from './shown-code.js'
import { ShownDigits } from './shown-digits.js'

const WARNINGS: Readonly<Record<PromotionWarning, string>> = {
  'storage-not-persistent': 'This browser may delete its data when space is short, and the key of your account with it. Ask it in the settings to keep them.',
  'no-recovery-words': 'You have no 24 words. If the primary device is lost without them, every contact sees another safety number. Create a backup first.',
}

const TITLES: Readonly<Record<PromotionRequestState['status'], string>> = {
  requesting: 'Scan on your primary device',
  shown: 'Scan on your primary device',
  answered: 'Compare the screens',
  confirming: 'Compare the screens',
  promoted: 'Primary device',
  failed: 'Nothing has changed',
}

/** On a linked device: the account key comes here from the present primary device, which scans the code. */
export default function PromoteDialog({ onClose }: { readonly onClose: () => void }) {
  const { state, confirm, restart } = usePromotionRequest()
  const [warned, setWarned] = useState(false)
  const { status } = state
  const warnings = status === 'shown' ? state.warnings : undefined
  const warning = !warned && (status === 'requesting' || (warnings?.length ?? 0) > 0)
  return (
    <AppDialog
      open
      onOpenChange={onClose}
      title={warning ? 'Make this your primary device' : TITLES[status]}
      alert={status === 'answered' || status === 'confirming'}
      wide
      footer={
        warning ? (
          <>
            <Button variant="secondary" onClick={onClose}>
              Cancel
            </Button>
            <Button disabled={!warnings} onClick={() => setWarned(true)} data-testid="promote-anyway">
              Go on
            </Button>
          </>
        ) : status === 'answered' ? (
          <>
            <Button variant="secondary" onClick={onClose}>
              Cancel
            </Button>
            <Button autoFocus onClick={confirm} data-testid="confirm-promotion">
              Make this device the primary one
            </Button>
          </>
        ) : status === 'confirming' ? (
          <Button variant="secondary" onClick={onClose}>
            Cancel
          </Button>
        ) : status === 'failed' ? (
          <>
            <Button variant="secondary" onClick={onClose}>
              Close
            </Button>
            <Button autoFocus onClick={restart} data-testid="promote-again">
              Show a new code
            </Button>
          </>
        ) : status === 'promoted' ? (
          <Button autoFocus onClick={onClose} data-testid="promotion-end">
            Done
          </Button>
        ) : undefined
      }
    >
      {warning ? <Warning warnings={warnings} /> : <Step state={state} />}
    </AppDialog>
  )
}

function Warning({ warnings }: { readonly warnings: readonly PromotionWarning[] | undefined }) {
  return (
    <div className="flex flex-col gap-4 pt-3">
      <p className="text-pretty text-ink-soft">
        It links and removes devices and makes the backup, in place of the one that does so now. You need both devices at hand.
      </p>
      {warnings?.map((kind) => (
        <p key={kind} className="flex gap-3 rounded-2xl bg-warning-soft px-4 py-3 text-pretty text-sm text-warning-ink">
          <TriangleAlert className="mt-0.5 size-5 shrink-0" aria-hidden />
          {WARNINGS[kind]}
        </p>
      ))}
    </div>
  )
}

function Step({ state }: { readonly state: PromotionRequestState }) {
  switch (state.status) {
    case 'requesting':
    case 'shown':
      return (
        <div className="flex flex-col gap-4 pt-3">
          <p className="text-pretty text-ink-soft">
            There: <strong className="font-semibold text-ink">Settings → Linked devices → Link a device</strong>, then scan this code.
          </p>
          <ShownCode {...(state.status === 'shown' && { shown: state })} />
        </div>
      )
    case 'answered':
    case 'confirming':
      return (
        <div className="flex flex-col gap-4 pt-3">
          <dl className="rounded-3xl bg-sunken p-5">
            <ShownDigits digits={state.invitation.digits} />
          </dl>
          {state.status === 'confirming' && <Waiting>Waiting until you have typed the digits on your other device …</Waiting>}
        </div>
      )
    case 'promoted':
      return (
        <div role="status" className="flex flex-col items-center gap-3 py-6 text-center">
          <CircleCheckBig className="size-14 text-accent-ink" aria-hidden />
          <p className="max-w-xs text-pretty text-ink-soft" data-testid="promoted">
            This is your primary device now. If you had backups, turn them on here with the same words.
          </p>
        </div>
      )
    case 'failed':
      return (
        <div role="alert" className="flex flex-col items-center gap-3 py-6 text-center" data-testid="promotion-failed">
          <CircleX className="size-14 text-danger" aria-hidden />
          <p className="max-w-xs text-pretty">
            {hasCode(state.error, 'devices/link-expired') ? 'The primary device did not scan the code or did not confirm it.' : linkProblem(state.error)}
          </p>
        </div>
      )
  }
}
