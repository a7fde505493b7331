import type { HistoryTransfer } from '@securechat/client'
import { useHistoryTransfers } from '@securechat/react'
import { errorText } from '../format/error-text.js'
import { useNow } from '../shell/browser-state.js'
import { ProgressBar } from '../ui/progress-bar.js'

/** How long it is said that something did not come. */
const TOLD_MS = 2 * 86_400_000

const TITLES: Readonly<Record<HistoryTransfer['direction'], Readonly<Record<Exclude<HistoryTransfer['status'], 'done'>, string>>>> = {
  receiving: {
    running: 'Your older messages are coming from your other device',
    expired: 'Not all of your older messages came in time',
    failed: 'Not all of your older messages could be read',
  },
  sending: {
    running: 'Your older messages are going to your new device',
    expired: 'Not all of your older messages reached your new device in time',
    failed: 'Your older messages could not all be sent',
  },
}

/** Above the chats while older messages pass between two own devices. It goes on in the background, and after a reload. */
export function HistoryBanner() {
  const { data: transfers } = useHistoryTransfers()
  const now = useNow(undefined)
  const ended = ({ status, direction, expiresAt = 0 }: HistoryTransfer): boolean => status !== 'done' && direction === 'receiving' && now - expiresAt < TOLD_MS
  const transfer = transfers?.find(({ status }) => status === 'running') ?? transfers?.find(ended)
  if (!transfer || transfer.status === 'done') return null
  const { direction, status, progress, error } = transfer
  return (
    <section
      aria-label="Older messages"
      className="mx-3 mt-1 mb-2 flex flex-col gap-2 rounded-2xl bg-sunken p-3.5"
      data-testid="history-transfer"
      data-status={status}
    >
      <p className="text-pretty font-medium text-sm">{TITLES[direction][status]}</p>
      {status === 'running' && <ProgressBar {...progress} label={direction === 'sending' ? 'Sending' : 'Receiving'} />}
      {status === 'expired' && <p className="text-pretty text-ink-soft text-sm">Both devices have to be online within a day. What came stays.</p>}
      {status === 'failed' && error && <p className="text-ink-soft text-sm">{errorText(error)}</p>}
    </section>
  )
}
