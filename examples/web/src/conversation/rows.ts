import type { Message } from '@securechat/client'
import { daysBefore } from '../format/time.js'

/** One row of the list. Rows of the same key are the same row. */
export type Row =
  /** Above the first message of all. */
  | { readonly kind: 'beginning'; readonly key: string }
  /** Below the last message: room, and the other side's typing. */
  | { readonly kind: 'end'; readonly key: string }
  | { readonly kind: 'day'; readonly key: string; readonly time: number }
  | { readonly kind: 'unread'; readonly key: string; readonly count: number }
  | {
      readonly kind: 'message'
      readonly key: string
      readonly message: Message
      /** First and last of a run of one person's messages: decides the corners, the gap and who is named. */
      readonly first: boolean
      readonly last: boolean
    }

/** Messages of one person this close together belong to one group. */
const GROUP_MS = 5 * 60_000

const isNotice = (message: Message): boolean => message.kind === 'identity-changed' || message.kind === 'identity-recovered'

const together = (a: Message | undefined, b: Message | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.sender === b.sender &&
  !isNotice(a) &&
  !isNotice(b) &&
  Math.abs(b.sentAt - a.sentAt) < GROUP_MS &&
  daysBefore(a.sentAt, b.sentAt) === 0

export interface UnreadFrom {
  readonly id: Message['id']
  readonly count: number
}

export interface RowOptions {
  readonly unreadFrom: UnreadFrom | undefined
  /** There is nothing before the first of the messages. */
  readonly complete: boolean
}

/** Day separators by the local calendar, the unread marker before its message, and groups. The times are the senders': the order is not. */
export function rowsOf(messages: readonly Message[], { unreadFrom, complete }: RowOptions): readonly Row[] {
  const rows: Row[] = complete ? [{ kind: 'beginning', key: 'beginning' }] : []
  messages.forEach((message, i) => {
    const before = messages[i - 1]
    const after = messages[i + 1]
    const newDay = !before || daysBefore(before.sentAt, message.sentAt) !== 0
    if (newDay) rows.push({ kind: 'day', key: `day before ${message.id}`, time: message.sentAt })
    const firstUnread = unreadFrom?.id === message.id
    if (firstUnread) rows.push({ kind: 'unread', key: 'unread', count: unreadFrom.count })
    rows.push({
      kind: 'message',
      key: message.id,
      message,
      first: newDay || firstUnread || !together(before, message),
      last: !together(message, after) || after?.id === unreadFrom?.id,
    })
  })
  rows.push({ kind: 'end', key: 'end' })
  return rows
}

/** The first of the newest `unread` messages of the other side. Undefined when there are none, or when it is not loaded. */
export function unreadStart(messages: readonly Message[], unread: number): UnreadFrom | undefined {
  let left = unread
  if (left <= 0) return undefined
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i]!
    if (message.mine || isNotice(message)) continue
    left -= 1
    if (left === 0) return { id: message.id, count: unread }
  }
  return undefined
}
