import type { ConversationSnapshot, Message } from '@securechat/client'

const MARKS = { queued: '…', sent: '✓', delivered: '✓✓', read: '✓✓ read', failed: '✗ failed' } as const

export interface Printer {
  /** `event` names the JSON form; `text` is what a person reads. */
  say(event: string, text: string, fields?: Record<string, unknown>): void
  message(kind: 'message' | 'status' | 'history', peer: string, message: Message): void
  chats(rows: readonly ConversationSnapshot[]): void
}

// Control characters of a stranger's text must not drive the terminal (move the cursor, retitle the window).
const plain = (text: string): string => text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '�').replace(/\n/g, '\n    ')

export function createPrinter(output: NodeJS.WritableStream, json: boolean): Printer {
  const line = (event: string, text: string, fields: Record<string, unknown>): void => {
    output.write(json ? `${JSON.stringify({ event, ...fields })}\n` : `${text}\n`)
  }
  return {
    say: (event, text, fields = {}) => line(event, text, { text, ...fields }),
    message(kind, peer, message) {
      const body = message.kind === 'text' ? plain(message.text) : `(${message.kind})`
      const mark = message.status ? `  ${MARKS[message.status]}` : ''
      const text = kind === 'status' ? `  ${mark.trim()}  ${body}` : `${message.mine ? 'me' : plain(peer)}: ${body}${mark}${message.edited ? ' (edited)' : ''}`
      line(kind, text, {
        id: message.id,
        from: message.mine ? 'me' : message.sender,
        name: peer,
        kind: message.kind,
        text: message.text,
        status: message.status,
      })
    },
    chats(rows) {
      if (rows.length === 0) line('chats', 'No chats yet. /new +14155550101 starts one.', { chats: [] })
      for (const [index, row] of rows.entries()) {
        const unread = row.unread > 0 ? ` (${row.unread} new)` : ''
        const last = row.lastMessage ? `  ${plain(row.lastMessage.text).slice(0, 60)}` : ''
        const note = row.peer.relation === 'request' ? ' [request]' : row.peer.relation === 'blocked' ? ' [blocked]' : ''
        line('chat', `${index + 1}. ${plain(row.peer.displayName)}${note}${unread}${last}`, {
          index: index + 1,
          id: row.id,
          name: row.peer.displayName,
          unread: row.unread,
          relation: row.peer.relation,
        })
      }
    },
  }
}
