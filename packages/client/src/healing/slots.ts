import type { ConversationId } from '@securechat/protocol'
import { type Context, newMessageId } from '../context.js'
import { newConversation, readConversation, writeConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import type { Slot } from '../state/healing.js'
import { keyOf } from '../state/keys.js'
import { deleteMessage, type MessageRecord, placeMessage, readMessage, writeMessage } from '../state/messages.js'

/**
 * A placeholder stands for one or more messages that could not be read and were asked for again. Each of them has an order of its own, kept free
 * from the placeholder's on, so that every message that comes after all takes its place among those that were read.
 */
export interface Reserved {
  readonly slot: Slot
  /** Set where a new row is shown. */
  readonly placeholder?: MessageRecord
}

/** Keeps the next order of the conversation free. Placeholders in a row are one. */
export async function reserveSlot(
  context: Context,
  tx: Transaction,
  { id, sender, sentAt, code }: { id: ConversationId; sender: MessageRecord['sender']; sentAt: number; code: string },
): Promise<Reserved> {
  const now = context.clock.now()
  const conversation = (await readConversation(tx, id)) ?? newConversation(id, sender, now)
  const last = conversation.placeholder && (await readMessage(tx, id, conversation.placeholder))
  // What is not asked for counts in the same row, at an order of its own that nothing ever takes: junk between lost messages makes no second row.
  if (last && last.kind === 'undecryptable' && last.order + (last.slots ?? 1) === conversation.nextOrder) {
    writeMessage(tx, { ...last, slots: (last.slots ?? 1) + 1, repeated: (last.repeated ?? 1) + 1 })
    writeConversation(tx, { ...conversation, nextOrder: conversation.nextOrder + 1 })
    return { slot: { conversation: id, placeholder: last.id, order: conversation.nextOrder } }
  }
  const row: MessageRecord = {
    id: newMessageId(context),
    conversation: id,
    sender,
    kind: 'undecryptable',
    text: '',
    sentAt,
    order: 0,
    error: { code },
    edited: false,
    reactions: [],
    slots: 1,
    unread: true,
  }
  const placed = placeMessage(tx, row, conversation)
  writeMessage(tx, placed.message)
  writeConversation(tx, { ...placed.conversation, placeholder: row.id, updatedAt: now, unread: conversation.unread + 1 })
  return { slot: { conversation: id, placeholder: row.id, order: placed.message.order }, placeholder: placed.message }
}

/** The placeholder stands for one less; it makes room, or goes. True: the order is free for a message. */
export async function takeSlot(tx: Transaction, { conversation: id, placeholder, order }: Slot): Promise<boolean> {
  const row = await readMessage(tx, id, placeholder)
  if (row?.kind !== 'undecryptable' || row.slots === undefined || order < row.order || order >= row.order + row.slots) return false
  const left = (row.repeated ?? 1) - 1
  if (left > 0 && order !== row.order) {
    writeMessage(tx, { ...row, repeated: left })
    return true
  }
  deleteMessage(tx, row)
  if (left > 0) {
    const next = await firstFree(tx, row)
    writeMessage(tx, { ...row, order: next, slots: row.slots - (next - row.order), repeated: left })
    return true
  }
  const conversation = await readConversation(tx, id)
  if (conversation && row.unread) writeConversation(tx, { ...conversation, unread: conversation.unread - 1 })
  return true
}

async function firstFree(tx: Transaction, { conversation, order, slots = 1 }: MessageRecord): Promise<number> {
  for (let next = order + 1; next < order + slots; next++) if ((await tx.get(keyOf.message(conversation, next))) === undefined) return next
  return order
}
