import { ShieldAlert, ShieldCheck } from 'lucide-react'
import { dayLabel } from '../format/time.js'
import { Button } from '../ui/button.js'

export const DayNotice = ({ time, now }: { readonly time: number; readonly now: number }) => (
  <div className="flex justify-center pt-4 pb-1.5">
    <span className="rounded-full border border-line bg-surface px-3 py-0.5 font-medium text-ink-soft text-xs shadow-low">{dayLabel(time, now)}</span>
  </div>
)

export const UnreadNotice = ({ count }: { readonly count: number }) => (
  <div className="flex items-center gap-3 px-3 pt-4 pb-1 font-semibold text-accent-ink text-xs two-pane:px-8" data-testid="unread-marker">
    <span aria-hidden className="h-px flex-1 bg-accent/50" />
    {count === 1 ? '1 unread message' : `${count} unread messages`}
    <span aria-hidden className="h-px flex-1 bg-accent/50" />
  </div>
)

/** Stands in the conversation where the other side's key changed. */
export function IdentityNotice({ peerName, pending, onReview }: { readonly peerName: string; readonly pending: boolean; readonly onReview: () => void }) {
  return (
    <div className="flex justify-center px-4 pt-4 pb-1" data-testid="identity-notice">
      <div className="flex max-w-md flex-col items-center gap-1 rounded-2xl border border-warning-line bg-warning-soft px-4 py-3 text-center text-sm text-warning-ink">
        <p className="flex items-center gap-2 font-semibold">
          <ShieldAlert className="size-4 shrink-0" aria-hidden />
          {peerName}’s safety number has changed
        </p>
        <p>They probably signed in on a new device. To be sure, compare the new number.</p>
        <Button small variant="quiet" className="text-warning-ink! underline underline-offset-3 hover:bg-transparent!" onClick={onReview}>
          {pending ? 'Review' : 'Show safety number'}
        </Button>
      </div>
    </div>
  )
}

/** At the very beginning of a conversation. */
export const BeginningNotice = ({ peerName, onReview }: { readonly peerName: string; readonly onReview: () => void }) => (
  <div className="flex justify-center px-4 pt-6 pb-2">
    <div className="flex max-w-sm flex-col items-center gap-2 rounded-2xl border border-line bg-surface px-5 py-4 text-center text-ink-soft text-sm shadow-low">
      <ShieldCheck className="size-6 text-accent-ink" aria-hidden />
      <p>
        Only you and {peerName} can read this conversation. The server never can.{' '}
        <button type="button" onClick={onReview} className="font-medium text-accent-ink underline underline-offset-3">
          Compare safety numbers
        </button>
      </p>
    </div>
  </div>
)
