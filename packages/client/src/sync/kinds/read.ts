import { type ConversationId, isIdText, type MessageId } from '@securechat/protocol'
import * as z from 'zod/mini'
import { readConversation, writeConversation } from '../../state/conversations.js'
import { keyOf } from '../../state/keys.js'
import { readMessage, writeMessage } from '../../state/messages.js'
import { writeReadAhead } from '../../state/sync.js'
import { defineKind } from '../kind.js'

export const readKey = (conversation: ConversationId, message: MessageId): string => `${conversation}/${message}`

/** Messages of others that were read: each by its id, since every device has its own order. */
export const readState = defineKind<true>({
  name: 'read',
  schema: z.literal(true),
  register: false,
  read: async () => true,
  async write({ clock }, tx, { key }) {
    const [conversationId = '', messageId = ''] = key.split('/')
    if (!isIdText(conversationId) || !isIdText(messageId)) return
    const [conversation, message] = [conversationId as ConversationId, messageId as MessageId]
    const row = await readMessage(tx, conversation, message)
    if (!row) return writeReadAhead(tx, keyOf.readAhead(conversation, message), clock.now())
    const record = await readConversation(tx, conversation)
    if (!row.unread || !record) return
    const { unread: _, ...read } = row
    writeMessage(tx, read)
    writeConversation(tx, { ...record, unread: Math.max(0, record.unread - 1) })
  },
})
