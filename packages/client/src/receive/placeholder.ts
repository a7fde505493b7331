import type { MailboxRow, SecureChatError } from '@securechat/protocol'
import { type Context, directConversationId, newMessageId } from '../context.js'
import { readContact } from '../state/contacts.js'
import { newConversation, readConversation, writeConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import { type MessageRecord, placeMessage, readMessage, writeMessage } from '../state/messages.js'

/**
 * Shows that something came which cannot be read, so that nothing disappears unseen. Only for accepted contacts, and one row for any
 * number of them in a row: neither a stranger nor the server can fill a conversation with it.
 */
export async function addPlaceholder(
  context: Context,
  tx: Transaction,
  { row, kind, error }: { row: MailboxRow; kind: 'undecryptable' | 'unsupported'; error: SecureChatError },
): Promise<MessageRecord | undefined> {
  const sender = row.sender?.accountId
  if (!sender || (await readContact(tx, sender))?.relation !== 'accepted') return undefined
  const { accountId: self } = await context.identity.self()
  const id = directConversationId(context.provider, self, sender)
  const now = context.clock.now()
  const conversation = (await readConversation(tx, id)) ?? newConversation(id, sender, now)
  const last = conversation.placeholder && (await readMessage(tx, id, conversation.placeholder))
  if (last && last.kind === kind && last.order + (last.slots ?? 1) === conversation.nextOrder) {
    const repeated = (last.repeated ?? 1) + 1
    // A row that keeps places for messages needs one more that stays free, to stand at when all of them have come.
    writeMessage(tx, last.slots === undefined ? { ...last, repeated } : { ...last, repeated, slots: last.slots + 1 })
    if (last.slots !== undefined) writeConversation(tx, { ...conversation, nextOrder: conversation.nextOrder + 1 })
    return undefined
  }
  const message: MessageRecord = {
    id: newMessageId(context),
    conversation: id,
    sender,
    kind,
    text: '',
    sentAt: row.time,
    order: 0,
    error: { code: error.code },
    edited: false,
    reactions: [],
    unread: true,
  }
  const placed = placeMessage(tx, message, conversation)
  writeMessage(tx, placed.message)
  writeConversation(tx, { ...placed.conversation, placeholder: message.id, updatedAt: now, unread: conversation.unread + 1 })
  return placed.message
}
