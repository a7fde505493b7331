import { createInterface } from 'node:readline'
import { type Client, createClient } from '@securechat/client'
import type { ClientStorage } from '@securechat/storage'
import { sqliteStorage } from '@securechat/storage-sqlite'
import { webSocketTransport } from '@securechat/transport/websocket'
import { listenToAlerts } from './alerts.js'
import { type Ask, report } from './asking.js'
import { listenToRestore } from './backup.js'
import { createCommands } from './commands.js'
import { HELP, parseOptions, type TerminalOptions } from './options.js'
import { createPrinter, type Printer } from './printer.js'
import { signIn } from './sign-in.js'

interface Streams {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/** Resolves to the exit code. */
export async function runTerminal(argv: readonly string[], streams: Streams): Promise<number> {
  let options: TerminalOptions | 'help'
  try {
    options = parseOptions(argv)
  } catch (error) {
    streams.output.write(`${(error as Error).message}\n\n${HELP}`)
    return 2
  }
  if (options === 'help') {
    streams.output.write(HELP)
    return 0
  }
  const printer = createPrinter(streams.output, options.json)
  let storage: ClientStorage | undefined
  let chat: Client
  try {
    storage = sqliteStorage({ path: options.store })
    chat = await createClient({ storage, transport: webSocketTransport({ url: options.server }), deviceName: 'cli-chat' })
  } catch (error) {
    await storage?.close()
    report(error, printer)
    return 1
  }
  try {
    return await converse(chat, printer, streams)
  } finally {
    await chat.close()
    await storage.close()
  }
}

async function converse(chat: Client, printer: Printer, streams: Streams): Promise<number> {
  const lines = createInterface({ input: streams.input, output: process.stdout.isTTY ? streams.output : undefined, terminal: Boolean(process.stdin.isTTY) })
  const queue = lines[Symbol.asyncIterator]()
  const ask: Ask = async (question) => {
    printer.say('ask', question.trimEnd())
    const { value, done } = await queue.next()
    return done ? null : value
  }
  try {
    if ((await chat.account.state()).status === 'signed-out' && !(await signIn(chat, ask, printer))) return 0
    const commands = createCommands(chat, { printer, ask })
    listen(chat, printer, commands.openId)
    listenToRestore(chat, printer)
    listenToAlerts(chat, printer)
    await chat.start()
    printer.say('ready', 'Ready.', { accountId: (await chat.account.state()).accountId })
    for (;;) {
      const { value, done } = await queue.next()
      if (done) return 0
      try {
        if ((await commands.run(value)) === 'quit') return 0
      } catch (error) {
        report(error, printer)
      }
    }
  } finally {
    lines.close()
  }
}

function listen(chat: Client, printer: Printer, openId: () => string | undefined): void {
  chat.on('message', ({ conversation, message }) => {
    void conversation.snapshot().then(async ({ peer }) => {
      printer.message('message', peer.displayName, message)
      if (openId() === conversation.id) await conversation.markRead()
    })
  })
  chat.on('message-status', ({ message }) => printer.message('status', 'me', message))
  let last = ''
  chat.on('connection', (state) => {
    if (state.status === last) return
    last = state.status
    printer.say('connection', `[${state.status}]`, { status: state.status })
  })
  chat.on('identity-changed', () => printer.say('identity-changed', 'A contact’s safety number has changed. /safety compares it, /trust accepts it.'))
  chat.on('identity-recovered', () =>
    printer.say('identity-recovered', 'A contact has recovered the account with the recovery words and has another safety number. /safety compares it.'),
  )
  chat.on('security-alert', ({ error }) => printer.say('security-alert', `Warning: ${error.message}`, { code: error.code }))
  chat.on('signed-out', ({ reason }) =>
    printer.say('signed-out', reason === 'revoked' ? 'This device was signed out elsewhere. Your history stays readable.' : 'Signed out.'),
  )
}
