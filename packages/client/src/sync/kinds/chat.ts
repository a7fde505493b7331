import { type AccountId, type ConversationId, isIdText } from '@securechat/protocol'
import * as z from 'zod/mini'
import { directConversationId } from '../../context.js'
import { type ConversationRecord, decodeConversation, newConversation, readConversation, writeConversation } from '../../state/conversations.js'
import { keyOf, PREFIX } from '../../state/keys.js'
import { id } from '../../state/record.js'
import { defineKind } from '../kind.js'

const DEFAULTS = { draft: '', muted: false, pinned: false, archived: false } as const
export type ChatSetting = keyof typeof DEFAULTS
export const CHAT_SETTINGS = Object.keys(DEFAULTS) as readonly ChatSetting[]

export const chatKey = (conversation: ConversationId, setting: ChatSetting): string => `${conversation}/${setting}`
const parse = (key: string): { conversation: ConversationId; setting: ChatSetting } | undefined => {
  const [conversation = '', setting = ''] = key.split('/')
  return isIdText(conversation) && Object.hasOwn(DEFAULTS, setting)
    ? { conversation: conversation as ConversationId, setting: setting as ChatSetting }
    : undefined
}

/** Draft, muted, pinned, archived: each setting of each chat is a register of its own. */
export const chatSettings = defineKind<{ readonly peer: AccountId; readonly value: string | boolean }>({
  name: 'chat',
  schema: z.object({ peer: id<AccountId>(), value: z.union([z.string().check(z.maxLength(32_768)), z.boolean()]) }),
  register: true,
  async read(_context, reader, key) {
    const place = parse(key)
    const record = place && (await readConversation(reader, place.conversation))
    return record && place ? { peer: record.peer, value: record[place.setting] } : undefined
  },
  async write(context, tx, { key, value: { peer, value } }) {
    const place = parse(key)
    const self = await context.identity.accountId()
    if (!place || !self || !isIdText(peer) || typeof value !== typeof DEFAULTS[place.setting]) return
    if (directConversationId(context.provider, self, peer) !== place.conversation) return
    const before = (await readConversation(tx, place.conversation)) ?? newConversation(place.conversation, peer, context.clock.now())
    writeConversation(tx, { ...before, [place.setting]: value } as ConversationRecord)
  },
  async keys(reader, { after, limit }) {
    const entries = await reader.list(PREFIX.conversation, { limit, ...(after && { after: keyOf.conversation(after as ConversationId) }) })
    const records = entries.map(({ value }) => decodeConversation(value))
    const keys = records.flatMap((record) =>
      CHAT_SETTINGS.filter((setting) => record[setting] !== DEFAULTS[setting]).map((setting) => chatKey(record.id, setting)),
    )
    return { keys, after: entries.length < limit ? undefined : records.at(-1)?.id }
  },
})
