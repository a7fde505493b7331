import { parseArgs } from 'node:util'

export interface TerminalOptions {
  readonly server: string
  readonly store: string
  /** One JSON object a line instead of text for people; for scripts and tests. */
  readonly json: boolean
}

export const HELP = `cli-chat: end-to-end encrypted chat in a terminal

  cli-chat [--server URL] [--store FILE] [--json]

  --server URL   the SecureChat server (default http://localhost:8787)
  --store FILE   history and keys, encrypted, in this SQLite file (default ./cli-chat.db)
  --json         print one JSON object a line
  --help         this text

At the first start: your number, or “link” to use an account that you have on another device (shows a code for it).

In the chat:
  /new +14155550101    open or start a chat by number
  /chats               list the chats, newest first
  /open N              open chat N of the list
  /history [N]         the last N messages (20)
  /accept  /block      answer a stranger's request in the open chat
  /safety              the safety number of the open chat, to compare with your contact
  /verify              mark the contact as verified
  /trust               accept a contact's changed key
  /name NAME           change your name
  /link TEXT           link a new device: the text that it shows (primary device only)
  /devices             list your devices
  /rename N NAME       name device N
  /revoke N            sign device N out for good (primary device only)
  /backup on           back up, encrypted under 24 words (primary device only)
  /backup [now|off]    how old the backup is; make one now; erase it
  /restore             bring a backup in on this device: asks for its words
  /pin PIN             ask for this PIN when your number is registered anew; /pin off
  /retry               connect now instead of later
  /logout              end this device's session and erase its store
  /quit                leave (what is queued is sent next time)
Anything else is sent to the open chat.
`

/** Throws `TypeError` with a text for people on an unknown or incomplete option. */
export function parseOptions(argv: readonly string[]): TerminalOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      server: { type: 'string', default: 'http://localhost:8787' },
      store: { type: 'string', default: './cli-chat.db' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  if (!/^(https?|wss?):\/\//.test(values.server)) throw new TypeError('--server takes a URL such as http://localhost:8787')
  return { server: values.server, store: values.store, json: values.json }
}
