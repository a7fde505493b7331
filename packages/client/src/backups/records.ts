import type { BackupRecord } from '@securechat/crypto/backup'
import { type AccountId, type ConversationId, concatBytes, fromBase64Url, idToBytes, type MessageId, SecureChatError, text as utf8 } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { ContactRecord } from '../state/contacts.js'
import type { ConversationRecord } from '../state/conversations.js'
import type { MessageRecord } from '../state/messages.js'
import type { OwnProfileRecord } from '../state/profile.js'
import { bytes, count, defineRecord, id } from '../state/record.js'

/**
 * What an archive's records hold (docs/protocol/11-recovery-and-backup.md, "Records"). The schemas name every field, so that nothing which a row of the store has besides
 * (where it waits to be sent, what a session needs) comes into an archive, whatever is added to those rows.
 */
const account = defineRecord('archived account', z.object({ accountId: id<AccountId>(), phone: z.string(), accountKeys: bytes }))
const profile = defineRecord('archived profile', z.object({ key: bytes, version: count, name: z.string(), avatar: z.optional(bytes) }))
const pin = defineRecord('archived pin', z.object({ pin: bytes, candidate: z.optional(bytes) }))
const contact = defineRecord(
  'archived contact',
  z.object({
    accountId: id<AccountId>(),
    phone: z.optional(z.string()),
    relation: z.enum(['none', 'accepted', 'request', 'blocked']),
    relationBefore: z.optional(z.enum(['none', 'accepted', 'request'])),
    identityChanged: z.boolean(),
    /** The account key whose digits were compared. */
    verifiedKey: z.optional(bytes),
    profileKey: z.optional(bytes),
    profile: z.optional(z.object({ name: z.string(), avatar: z.optional(bytes), version: count })),
  }),
)
const conversation = defineRecord(
  'archived conversation',
  z.object({
    id: id<ConversationId>(),
    peer: id<AccountId>(),
    updatedAt: count,
    nextOrder: count,
    readOrder: count,
    draft: z.string(),
    muted: z.boolean(),
    pinned: z.boolean(),
    archived: z.boolean(),
  }),
)
const message = defineRecord(
  'archived message',
  z.object({
    id: id<MessageId>(),
    conversation: id<ConversationId>(),
    sender: id<AccountId>(),
    kind: z.enum(['text', 'unsupported', 'deleted', 'identity-changed', 'identity-recovered']),
    text: z.string(),
    sentAt: count,
    order: count,
    status: z.optional(z.enum(['sent', 'delivered', 'read'])),
    edited: z.boolean(),
    replyTo: z.optional(id<MessageId>()),
    reactions: z.array(z.object({ accountId: id<AccountId>(), emoji: z.string() })),
    body: z.optional(bytes),
    unread: z.optional(z.boolean()),
  }),
)
const transfer = defineRecord('history summary', z.object({ messages: count }))

export type ArchivedPin = ReturnType<typeof pin.decode>
export type ArchivedConversation = ReturnType<typeof conversation.decode>
export type ArchivedMessage = ReturnType<typeof message.decode>

/** Names within their kinds. */
export const NAMES = { account: utf8('account'), profile: utf8('profile'), transfer: utf8('transfer') } as const

/** What this software reads of an archive is another device's: an error there is the archive's, not the store's. */
function decoding<T>(decode: (value: Uint8Array) => T): (value: Uint8Array) => T {
  return (value) => {
    try {
      return decode(value)
    } catch (cause) {
      if (cause instanceof SecureChatError && cause.code === 'protocol/unsupported-version') throw cause
      throw new SecureChatError('backup/damaged', { detail: 'record', cause })
    }
  }
}
export const decodeArchivedProfile = decoding(profile.decode)
export const decodeArchivedPin = decoding(pin.decode)
export const decodeArchivedContact = decoding(contact.decode)
export const decodeArchivedConversation = decoding(conversation.decode)
export const decodeArchivedMessage = decoding(message.decode)
export const decodeTransfer = decoding(transfer.decode)

export const archiveAccount = (value: { readonly accountId: AccountId; readonly phone: string; readonly accountKeys: Uint8Array }): BackupRecord => ({
  name: NAMES.account,
  value: account.encode(value),
})
export const archiveProfile = ({ key, version, name, avatar }: OwnProfileRecord): BackupRecord => ({
  name: NAMES.profile,
  value: profile.encode({ key, version, name, ...(avatar && { avatar }) }),
})
export const archivePin = (accountId: AccountId, value: ArchivedPin): BackupRecord => ({ name: idToBytes(accountId), value: pin.encode(value) })
export const archiveTransfer = (messages: number): BackupRecord => ({ name: NAMES.transfer, value: transfer.encode({ messages }) })

export function archiveContact(record: ContactRecord, verifiedKey: Uint8Array | undefined): BackupRecord {
  const { accountId, phone, relation, relationBefore, identityChanged, profileKey } = record
  const shown = record.profile
  const value = contact.encode({
    accountId,
    relation,
    identityChanged,
    ...(phone !== undefined && { phone }),
    ...(relationBefore && { relationBefore }),
    ...(verifiedKey && { verifiedKey }),
    ...(profileKey && { profileKey }),
    ...(shown && { profile: { name: shown.name, version: shown.version, ...(shown.avatar && { avatar: shown.avatar }) } }),
  })
  return { name: idToBytes(accountId), value }
}

export function archiveConversation(record: ConversationRecord): BackupRecord {
  const { id: conversationId, peer, updatedAt, nextOrder, readOrder, draft, muted, pinned, archived } = record
  const value = { id: conversationId, peer, updatedAt, nextOrder, readOrder, draft, muted, pinned, archived }
  return { name: fromBase64Url(conversationId), value: conversation.encode(value) }
}

/** Null: of this device alone (still queued, failed, not readable here). */
export function archiveMessage(record: MessageRecord): BackupRecord | null {
  const { id: messageId, conversation: conversationId, sender, kind, text, sentAt, order, status, edited, replyTo, body, unread } = record
  if (kind === 'undecryptable' || status === 'queued' || status === 'failed') return null
  const value = message.encode({
    id: messageId,
    conversation: conversationId,
    sender,
    kind,
    text,
    sentAt,
    order,
    edited,
    reactions: record.reactions.map(({ accountId, emoji }) => ({ accountId, emoji })),
    ...(status && { status }),
    ...(replyTo !== undefined && { replyTo }),
    ...(body && { body }),
    ...(unread && { unread }),
  })
  return { name: concatBytes(fromBase64Url(conversationId), fromBase64Url(messageId)), value }
}
