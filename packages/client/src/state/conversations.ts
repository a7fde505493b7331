import { type AccountId, type ConversationId, type MessageId, SecureChatError, type Timestamp } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { keyOf } from './keys.js'
import { count, defineRecord, id } from './record.js'

const record = defineRecord(
  'conversation',
  z.looseObject({
    id: id<ConversationId>(),
    peer: id<AccountId>(),
    updatedAt: count,
    /** Order of the next message that is received or sent. */
    nextOrder: count,
    /** Of the next message that is queued, counted from QUEUED_ORDER. */
    nextQueued: count,
    /** Everything up to this order was read here. */
    readOrder: count,
    unread: count,
    draft: z.string(),
    muted: z.boolean(),
    pinned: z.boolean(),
    archived: z.boolean(),
    /** The newest placeholder: further ones right behind it are counted in it. */
    placeholder: z.optional(id<MessageId>()),
    /** The archive that was merged into it last, so that going on after a crash does not do it twice. */
    restored: z.optional(z.string()),
  }),
)
export type ConversationRecord = ReturnType<typeof record.decode>

export const readConversation = (reader: Reader, conversation: ConversationId): Promise<ConversationRecord | undefined> =>
  record.read(reader, keyOf.conversation(conversation))
export const writeConversation = (tx: Transaction, value: ConversationRecord): void => record.write(tx, keyOf.conversation(value.id), value)
export const decodeConversation = record.decode

export async function requireConversation(reader: Reader, conversation: ConversationId): Promise<ConversationRecord> {
  const value = await readConversation(reader, conversation)
  if (!value) throw new SecureChatError('client/not-found', { detail: 'conversation' })
  return value
}

export const newConversation = (conversation: ConversationId, peer: AccountId, now: Timestamp): ConversationRecord => ({
  id: conversation,
  peer,
  updatedAt: now,
  nextOrder: 1,
  nextQueued: 0,
  readOrder: 0,
  unread: 0,
  draft: '',
  muted: false,
  pinned: false,
  archived: false,
})
