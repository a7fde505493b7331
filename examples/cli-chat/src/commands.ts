import type { Client, Conversation } from '@securechat/client'
import type { Ask } from './asking.js'
import { backup, restore } from './backup.js'
import { listDevices, renameDevice, revokeDevice } from './devices.js'
import { linkOtherDevice } from './linking.js'
import { HELP } from './options.js'
import { type Printer, plainName } from './printer.js'
import { toE164 } from './sign-in.js'

export interface Commands {
  run(line: string): Promise<'quit' | undefined>
  openId(): string | undefined
}

type Command = (argument: string) => Promise<'quit' | undefined | void>

export function createCommands(chat: Client, { printer, ask }: { readonly printer: Printer; readonly ask: Ask }): Commands {
  /** By account: only what was on the screen can have been compared. */
  const shownDigits = new Map<string, string>()
  let open: Conversation | undefined

  const current = (): Conversation | undefined => {
    if (!open) printer.say('problem', 'No chat is open. /new +14155550101 or /open 1 opens one.')
    return open
  }
  const show = async (conversation: Conversation, count: number): Promise<void> => {
    const { peer } = await conversation.snapshot()
    for (const message of await conversation.messages({ limit: count })) printer.message('history', peer.displayName, message)
  }
  const enter = async (conversation: Conversation): Promise<void> => {
    open = conversation
    const { peer } = await conversation.snapshot()
    printer.say('opened', `Chat with ${plainName(peer.displayName)}`, { id: conversation.id, relation: peer.relation })
    if (peer.relation === 'request') printer.say('request', 'You do not know this person yet: /accept or /block.')
    await show(conversation, 20)
    await conversation.markRead()
  }

  const commands: Record<string, Command> = {
    help: async () => printer.say('help', HELP),
    quit: async () => 'quit',
    new: async (argument) => {
      const phone = toE164(argument)
      if (!phone) return printer.say('problem', 'That is not a phone number with a country code, such as +14155550101.')
      await enter(await chat.conversations.direct({ phone }))
    },
    chats: async () => printer.chats(await chat.conversations.list()),
    open: async (argument) => {
      const row = (await chat.conversations.list())[Number(argument) - 1]
      const conversation = row && (await chat.conversations.get(row.id))
      if (!conversation) return printer.say('problem', 'There is no such chat; /chats lists them.')
      await enter(conversation)
    },
    history: async (argument) => {
      const conversation = current()
      if (conversation) await show(conversation, Math.min(200, Math.max(1, Number(argument) || 20)))
    },
    accept: async () => current()?.accept(),
    block: async () => current()?.block(),
    safety: async () => {
      const conversation = current()
      if (!conversation) return
      const { digits, verified } = await chat.devices.safetyNumber(conversation.peerId)
      shownDigits.set(conversation.peerId, digits)
      printer.say('safety', `${digits}${verified ? '  (verified)' : ''}`, { digits, verified })
    },
    verify: async () => {
      const conversation = current()
      if (!conversation) return
      const compared = shownDigits.get(conversation.peerId)
      if (compared === undefined) printer.say('problem', 'Compare the number first: /safety shows it.')
      else await chat.devices.setVerified(conversation.peerId, compared)
    },
    trust: async () => {
      const conversation = current()
      if (conversation) await chat.devices.acceptIdentity(conversation.peerId)
    },
    name: async (argument) => {
      if (argument) await chat.account.setProfile({ name: argument })
    },
    link: async (argument) => {
      if (argument) await linkOtherDevice(chat, argument, { ask, printer })
      else printer.say('problem', 'Give the text that the new device shows: /link TEXT. Only of a screen of your own.')
    },
    devices: () => listDevices(chat, printer),
    revoke: (argument) => revokeDevice(chat, argument, printer),
    rename: (argument) => renameDevice(chat, argument, printer),
    backup: (argument) => backup(chat, argument, { ask, printer }),
    restore: () => restore(chat, ask, printer),
    pin: async (argument) => {
      if (argument === '') return printer.say('problem', 'It is /pin PIN (4 to 64 characters) or /pin off.')
      await chat.account.setRegistrationLock(argument === 'off' ? null : argument)
      printer.say(
        'pin',
        argument === 'off' ? 'Your number needs no PIN any more.' : 'Whoever registers your number from now on needs this PIN, or your recovery words.',
      )
    },
    retry: async () => chat.connection.retryNow(),
    logout: async () => {
      await chat.account.logout()
      return 'quit'
    },
  }

  return {
    openId: () => open?.id,
    async run(line) {
      const text = line.trimEnd()
      if (text === '') return undefined
      if (text.startsWith('/')) {
        const [name = '', ...rest] = text.slice(1).split(' ')
        const command = Object.hasOwn(commands, name) ? commands[name] : undefined
        if (!command) {
          printer.say('problem', `Unknown command /${name.replace(/[^\w-]/g, '')}; /help lists them.`)
          return undefined
        }
        return (await command(rest.join(' ').trim())) ?? undefined
      }
      const conversation = current()
      if (conversation) {
        const message = await conversation.send(text)
        printer.message('status', 'me', message)
      }
      return undefined
    },
  }
}
