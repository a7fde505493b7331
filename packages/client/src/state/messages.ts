import { type AccountId, type ConversationId, type MessageId, SecureChatError } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { ConversationRecord } from './conversations.js'
import type { Reader, Transaction } from './database.js'
import { keyOf, prefixOf, QUEUED_ORDER } from './keys.js'
import { bytes, count, defineRecord, id } from './record.js'

const record = defineRecord(
  'message',
  z.looseObject({
    id: id<MessageId>(),
    conversation: id<ConversationId>(),
    sender: id<AccountId>(),
    kind: z.enum(['text', 'unsupported', 'undecryptable', 'deleted', 'identity-changed', 'identity-recovered']),
    text: z.string(),
    sentAt: count,
    order: count,
    status: z.optional(z.enum(['queued', 'sent', 'delivered', 'read', 'failed'])),
    error: z.optional(z.looseObject({ code: z.string(), detail: z.optional(z.string()) })),
    edited: z.boolean(),
    replyTo: z.optional(id<MessageId>()),
    reactions: z.array(z.looseObject({ accountId: id<AccountId>(), emoji: z.string() })),
    /** Unsupported: the whole body as it came. */
    body: z.optional(bytes),
    /** Of others, and counted in the conversation's `unread`. */
    unread: z.optional(z.boolean()),
    /** Own rows that wait: their outbox row. */
    outbox: z.optional(z.string()),
    /** Undecryptable: how many in a row this placeholder stands for. */
    repeated: z.optional(count),
    /** Undecryptable and asked for again: how many orders from its own on are kept free for what it stands for. */
    slots: z.optional(count),
    /** Own rows that were sent: where the body is held. */
    sent: z.optional(z.string()),
  }),
)
export type MessageRecord = ReturnType<typeof record.decode>
const index = defineRecord('message index', z.looseObject({ order: count }))

export const decodeMessage = record.decode
export const encodeMessage = record.encode

export async function readMessage(reader: Reader, conversation: ConversationId, message: MessageId): Promise<MessageRecord | undefined> {
  const found = await index.read(reader, keyOf.messageId(conversation, message))
  return found && record.read(reader, keyOf.message(conversation, found.order))
}

export async function requireMessage(reader: Reader, conversation: ConversationId, message: MessageId): Promise<MessageRecord> {
  const value = await readMessage(reader, conversation, message)
  if (!value) throw new SecureChatError('client/not-found', { detail: 'message' })
  return value
}

/** Writes a row in its place; the index follows. */
export function writeMessage(tx: Transaction, value: MessageRecord): void {
  record.write(tx, keyOf.message(value.conversation, value.order), value)
  index.write(tx, keyOf.messageId(value.conversation, value.id), { order: value.order })
}

export function deleteMessage(tx: Transaction, { conversation, order, id: message }: MessageRecord): void {
  tx.delete(keyOf.message(conversation, order))
  tx.delete(keyOf.messageId(conversation, message))
}

/** Puts a row at the end of what was sent and received, wherever it was; gives the row and the conversation as they are to be written. */
export function placeMessage(
  tx: Transaction,
  value: MessageRecord,
  conversation: ConversationRecord,
): { message: MessageRecord; conversation: ConversationRecord } {
  if (value.order > 0) tx.delete(keyOf.message(value.conversation, value.order))
  return { message: { ...value, order: conversation.nextOrder }, conversation: { ...conversation, nextOrder: conversation.nextOrder + 1 } }
}

/** Puts a row at the end of what is queued. */
export function queueMessage(
  tx: Transaction,
  value: MessageRecord,
  conversation: ConversationRecord,
): { message: MessageRecord; conversation: ConversationRecord } {
  if (value.order > 0) tx.delete(keyOf.message(value.conversation, value.order))
  return { message: { ...value, order: QUEUED_ORDER + conversation.nextQueued }, conversation: { ...conversation, nextQueued: conversation.nextQueued + 1 } }
}

/** Below `before`, newest first. */
export async function listMessages(
  reader: Reader,
  conversation: ConversationId,
  { limit, before, after }: { limit: number; before?: number | undefined; after?: number | undefined },
): Promise<MessageRecord[]> {
  const entries = await reader.list(prefixOf.messages(conversation), {
    limit,
    reverse: true,
    ...(before !== undefined && { before: keyOf.message(conversation, before) }),
    ...(after !== undefined && { after: keyOf.message(conversation, after) }),
  })
  return entries.map(({ value }) => record.decode(value))
}
