import type { LinkScan } from '@securechat/client'
import { useLinkScan } from '@securechat/react'
import { CircleCheckBig, CircleX } from 'lucide-react'
import { Button } from '../ui/button.js'
import { AppDialog } from '../ui/dialog.js'
import { Waiting } from '../ui/spinner.js'
import { CompareStep } from './compare-step.js'
import { linkProblem } from './link-problem.js'
import { ScanStep } from './scan-step.js'

const TITLES = {
  scanning: 'Scan the code',
  reading: 'Scan the code',
  comparing: 'Compare the screens',
  approving: 'Linking',
  linked: 'Device linked',
  failed: 'Not linked',
} as const

const PROMOTION_TITLES: Readonly<Record<keyof typeof TITLES, string>> = {
  ...TITLES,
  comparing: 'Another primary device',
  approving: 'Handing over',
  linked: 'Handed over',
}

export interface LinkDialogProps {
  readonly onClose: () => void
  readonly onLinked: (kind: LinkScan['kind']) => void
}

/** Scan, compare, wait. It opens from the button in the settings alone: no link and no message leads here. */
export default function LinkDialog({ onClose, onLinked }: LinkDialogProps) {
  const { state, scan, approve, restart } = useLinkScan()
  const { status } = state
  const settled = status === 'linked' || status === 'failed'
  const promotion = status === 'linked' ? state.kind === 'promotion' : (status === 'comparing' || status === 'approving') && state.scan.kind === 'promotion'
  const end = (): void => (status === 'linked' ? onLinked(state.kind) : onClose())
  return (
    <AppDialog
      open
      onOpenChange={end}
      title={promotion ? PROMOTION_TITLES[status] : TITLES[status]}
      // A click beside it must not throw away what two screens are in the middle of.
      alert={status === 'comparing' || status === 'approving'}
      wide
      footer={
        settled ? (
          <>
            {status === 'failed' && (
              <Button variant="secondary" onClick={onClose}>
                Close
              </Button>
            )}
            <Button autoFocus onClick={status === 'linked' ? end : restart} data-testid="link-end">
              {status === 'linked' ? 'Done' : 'Scan again'}
            </Button>
          </>
        ) : status === 'approving' ? (
          <Button variant="secondary" onClick={onClose}>
            Cancel
          </Button>
        ) : undefined
      }
    >
      {(status === 'scanning' || status === 'reading') && <ScanStep state={state} onCode={scan} />}
      {status === 'comparing' && <CompareStep scan={state.scan} error={state.error} onApprove={approve} onCancel={onClose} />}
      {status === 'approving' && (
        <Waiting className="min-h-56">Waiting for the other device. Confirm there{promotion ? ', too' : ' that it is your account'}.</Waiting>
      )}
      {status === 'linked' && (
        <div role="status" className="flex flex-col items-center gap-3 py-6 text-center">
          <CircleCheckBig className="size-14 text-accent-ink" aria-hidden />
          <p className="max-w-xs text-pretty text-ink-soft" data-testid="linked">
            {promotion
              ? 'The other device links and removes devices from now on. This one stays linked to it.'
              : 'It gets all new messages from now on. All your devices are told, and you can remove it here at any time.'}
          </p>
        </div>
      )}
      {status === 'failed' && (
        <div role="alert" className="flex flex-col items-center gap-3 py-6 text-center" data-testid="link-failed">
          <CircleX className="size-14 text-danger" aria-hidden />
          <p className="max-w-xs text-pretty">{linkProblem(state.error)}</p>
          <p className="max-w-xs text-pretty text-ink-soft">Your devices are as they were.</p>
        </div>
      )}
    </AppDialog>
  )
}
