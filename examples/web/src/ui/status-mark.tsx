import type { Message } from '@securechat/client'
import { Check, CheckCheck, CircleAlert, Clock3 } from 'lucide-react'
import { STATUS_LABELS } from '../format/preview.js'

const ICONS = { queued: Clock3, sent: Check, delivered: CheckCheck, read: CheckCheck, failed: CircleAlert } as const

/** Clock, one check, two checks, two coloured checks, an exclamation mark: the shape tells them apart, except read, which screen readers are told in words. */
export function StatusMark({
  status,
  readClass,
  failedClass = 'text-danger',
  testId,
}: {
  readonly status: NonNullable<Message['status']>
  readonly readClass: string
  readonly failedClass?: string
  readonly testId?: string
}) {
  const Icon = ICONS[status]
  return (
    <span className="inline-flex" data-testid={testId} data-status={status} title={STATUS_LABELS[status]}>
      <Icon aria-hidden strokeWidth={2.4} className={`size-4 ${status === 'read' ? readClass : status === 'failed' ? failedClass : ''}`} />
      <span className="sr-only">{STATUS_LABELS[status]}</span>
    </span>
  )
}
