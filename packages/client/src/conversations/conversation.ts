import { type AccountId, type ConversationId, SecureChatError } from '@securechat/protocol'
import { acceptContact, blockContact, unblockContact } from '../contacts/relation.js'
import type { Context } from '../context.js'
import type { Conversation, Message } from '../types.js'
import { throwIfAborted } from '../waiting.js'
import { changeTarget, markRead, type Place, retryMessage, sendText, sendTyping } from './commands.js'
import { presentMessage } from './present.js'
import { updateSettings } from './settings.js'
import type { Views } from './views.js'
import { watchMessages } from './watch.js'

export interface ConversationDeps {
  readonly context: Context
  readonly views: Views
  /** Registers what has to end with the client; gives the function that forgets it. */
  readonly onClose: (end: () => void) => () => void
}

const PAGE = 50
const LARGEST_PAGE = 200
/** "Is typing" is told at most this often. */
const TYPING_EVERY_MS = 5_000

function pageLimit(limit: number | undefined): number {
  if (limit === undefined) return PAGE
  if (!Number.isInteger(limit) || limit < 1) throw new SecureChatError('client/invalid-argument', { detail: 'limit' })
  return Math.min(limit, LARGEST_PAGE)
}

/** A handle: it has no state but its ids, so any number of them may exist. */
export function createConversation({ context, views, onClose }: ConversationDeps, id: ConversationId, peerId: AccountId): Conversation {
  const { db, clock, network, storage, identity } = context
  const place: Place = { conversation: id, peer: peerId }
  let typedAt = 0

  const self = async (): Promise<AccountId> => (await identity.accountId()) ?? ('' as AccountId)
  const present = async (record: Parameters<typeof presentMessage>[0]): Promise<Message> => presentMessage(record, await self())

  return {
    id,
    peerId,
    async send(input, options = {}) {
      throwIfAborted(options.signal)
      const message = typeof input === 'string' ? { text: input } : input
      return present(await db.run((tx) => sendText(context, tx, { place, input: message })))
    },
    react: (target, emoji) => db.run((tx) => changeTarget(context, tx, { place, content: { type: 'reaction', target, emoji } })),
    edit: (target, text) => db.run((tx) => changeTarget(context, tx, { place, content: { type: 'edit', target, text } })),
    delete: (target) => db.run((tx) => changeTarget(context, tx, { place, content: { type: 'delete', target } })),
    async retry(message) {
      await db.run((tx) => retryMessage(context, tx, { place, id: message }))
    },
    markRead: () => db.run((tx) => markRead(context, tx, place)),
    async setTyping(active) {
      if (!network.online) return
      const now = clock.now()
      if (active ? now - typedAt < TYPING_EVERY_MS : typedAt === 0) return
      typedAt = active ? now : 0
      await db.run((tx) => sendTyping(context, tx, { place, active }), { durability: 'relaxed' })
    },
    update: (changes) => db.run((tx) => updateSettings(context, tx, { conversation: id, changes }), { durability: 'relaxed' }),
    accept: () => db.run((tx) => acceptContact(context, tx, place)),
    block: () => db.run((tx) => blockContact(context, tx, peerId)),
    unblock: () => db.run((tx) => unblockContact(context, tx, peerId)),
    messages: async ({ limit, before } = {}) => views.messages(id, { limit: pageLimit(limit), before }),
    liveMessages: ({ limit } = {}) => views.liveMessages(id, pageLimit(limit)),
    snapshot: () => views.snapshot(id),
    live: () => views.live(id),
    watch: ({ signal } = {}) => watchMessages({ storage, conversation: id, self, signal: signal ?? new AbortController().signal, onEnd: onClose }),
  }
}
