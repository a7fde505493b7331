import { type AccountId, isErrorCode, SecureChatError } from '@securechat/protocol'
import type { ConversationRecord } from '../state/conversations.js'
import type { MessageRecord } from '../state/messages.js'
import type { Contact, ConversationSnapshot, Message } from '../types.js'

/** Codes of a newer version of this software are shown as a general failure. */
export const presentError = ({ code, detail }: { readonly code: string; readonly detail?: string | undefined }): SecureChatError =>
  new SecureChatError(isErrorCode(code) ? code : 'server/internal', detail === undefined ? {} : { detail })

export function presentMessage(record: MessageRecord, self: AccountId): Message {
  const { id, conversation, sender, kind, text, sentAt, order, status, error, edited, replyTo, reactions } = record
  return Object.freeze({
    id,
    conversationId: conversation,
    sender,
    mine: sender === self,
    kind,
    text,
    sentAt,
    order,
    ...(sender === self && status !== undefined && { status }),
    ...(error && { error: presentError(error) }),
    edited,
    ...(replyTo !== undefined && { replyTo }),
    reactions: Object.freeze(reactions.map(({ accountId, emoji }) => Object.freeze({ accountId, emoji }))),
  })
}

export function presentConversation(
  record: ConversationRecord,
  { peer, last, typing }: { peer: Contact; last: Message | undefined; typing: boolean },
): ConversationSnapshot {
  const { id, unread, updatedAt, draft, muted, pinned, archived } = record
  return Object.freeze({ id, peer, ...(last && { lastMessage: last }), unread, updatedAt, draft, muted, pinned, archived, typing })
}
