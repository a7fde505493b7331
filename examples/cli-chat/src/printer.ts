import type { ConversationSnapshot, Message } from '@securechat/client'

const MARKS = { queued: '…', sent: '✓', delivered: '✓✓', read: '✓✓ read', failed: '✗ failed' } as const

export interface Printer {
  /** `event` names the JSON form; `text` is what a person reads. */
  say(event: string, text: string, fields?: Record<string, unknown>): void
  message(kind: 'message' | 'status' | 'history', peer: string, message: Message): void
  chats(rows: readonly ConversationSnapshot[]): void
  /** Lines of block characters of our own making; not in the JSON form. */
  picture(lines: string): void
  /** Takes what was written off the screen, also from above it, where there is a screen. */
  clear(): void
}

// What a stranger has written must not drive the terminal (move the cursor, retitle the window), nor turn the line around and show it as another's.
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
const plain = (text: string): string => text.replace(UNSAFE, '�').replace(/\n/g, '\n    ')
/** A name is one line, whatever is in it: a second one could be taken for the program's own. */
export const plainName = (text: string): string => text.replace(UNSAFE, '�').replace(/\n/g, ' ')
/** JSON leaves DEL and the C1 controls as they are, and some terminals obey those too. */
const safeJson = (value: unknown): string => JSON.stringify(value).replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

export function createPrinter(output: NodeJS.WritableStream, json: boolean): Printer {
  const line = (event: string, text: string, fields: Record<string, unknown>): void => {
    output.write(json ? `${safeJson({ event, ...fields })}\n` : `${text}\n`)
  }
  return {
    say: (event, text, fields = {}) => line(event, text.replace(UNSAFE, '�'), { text, ...fields }),
    picture(lines) {
      if (!json) output.write(`${lines}\n`)
    },
    clear() {
      // Erase the screen, its scrollback, and go to its top (ECMA-48 ED, xterm's 3J).
      if (!json && 'isTTY' in output && output.isTTY) output.write('\u001b[2J\u001b[3J\u001b[H')
    },
    message(kind, peer, message) {
      const body = message.kind === 'text' ? plain(message.text) : `(${message.kind})`
      const mark = message.status ? `  ${MARKS[message.status]}` : ''
      const text =
        kind === 'status' ? `  ${mark.trim()}  ${body}` : `${message.mine ? 'me' : plainName(peer)}: ${body}${mark}${message.edited ? ' (edited)' : ''}`
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
        const last = row.lastMessage ? `  ${plainName(row.lastMessage.text).slice(0, 60)}` : ''
        const note = row.peer.relation === 'request' ? ' [request]' : row.peer.relation === 'blocked' ? ' [blocked]' : ''
        line('chat', `${index + 1}. ${plainName(row.peer.displayName)}${note}${unread}${last}`, {
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
