import { type AccountId, equalSecretBytes, LIMITS, type MessageId, text as utf8 } from '@securechat/protocol'
import type { Content } from '@securechat/protocol/content'
import type { Context } from '../context.js'
import { type ContactRecord, newContact, readContact, writeContact } from '../state/contacts.js'
import { type ConversationRecord, newConversation, readConversation, writeConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import { logReceived, markSeen, oweReceipt, wasSeen } from '../state/inbox.js'
import { keyOf } from '../state/keys.js'
import { type MessageRecord, placeMessage, readMessage, writeMessage } from '../state/messages.js'
import { applyDeviceSync } from '../sync/apply.js'
import type { Incoming } from './validate.js'

/** What the rest of the client is told after the commit. */
export interface Effects {
  readonly received: (message: MessageRecord) => void
  readonly statusChanged: (message: MessageRecord) => void
  readonly typing: (peer: AccountId, active: boolean) => void
  readonly profileDue: (peer: AccountId) => void
}

const RANK = { queued: 0, failed: 0, sent: 1, delivered: 2, read: 3 } as const

/** Receipts only ever raise a status. */
export function raisedStatus(status: MessageRecord['status'], receipt: 'delivered' | 'read'): MessageRecord['status'] {
  return status !== undefined && RANK[receipt] > RANK[status] ? receipt : status
}

/**
 * Applies one authenticated content, in the commit of its row. What refers to an unknown message, or to one of another author, is
 * dropped without a trace: nothing comes back from which a stranger could learn anything.
 */
export async function applyIncoming(
  context: Context,
  tx: Transaction,
  { incoming, effects, place }: { incoming: Incoming; effects: Effects; place?: number | undefined },
): Promise<void> {
  const { peer, mine, known } = incoming
  const contact = (await readContact(tx, peer)) ?? newContact(peer)
  if (contact.relation === 'blocked') return
  if (!known) return addMessage(context, tx, { incoming, contact, effects, place, shown: { kind: 'unsupported', text: '', body: incoming.encoded } })
  const content = incoming.content as Content
  switch (content.type) {
    case 'text': {
      const reply = content.replyTo === undefined ? {} : { replyTo: content.replyTo }
      if (utf8(content.text).length > LIMITS.messageTextBytes) return
      return addMessage(context, tx, { incoming, contact, effects, place, shown: { kind: 'text', text: content.text, ...reply } })
    }
    case 'reaction':
    case 'edit':
    case 'delete':
      await learnProfileKey(tx, { incoming, effects })
      return changeMessage(context, tx, { incoming, content })
    case 'receipt':
      if (mine) return
      await learnProfileKey(tx, { incoming, effects })
      return raiseStatus(tx, { incoming, content, effects })
    case 'device-sync':
      // Of an own device, and said to the own account: from anybody else it means nothing.
      if (mine && peer === incoming.sender) await applyDeviceSync(context, tx, { content, device: incoming.device })
      return
    case 'typing':
      if (!mine && contact.relation === 'accepted') tx.afterCommit(() => effects.typing(peer, content.active))
      return
    case 'profile':
      return learnProfileKey(tx, { incoming, effects, again: true })
    case 'empty':
      return
  }
}

interface Shown {
  readonly kind: 'text' | 'unsupported'
  readonly text: string
  readonly replyTo?: MessageId
  readonly body?: Uint8Array
}

async function addMessage(
  context: Context,
  tx: Transaction,
  { incoming, contact, effects, place, shown }: { incoming: Incoming; contact: ContactRecord; effects: Effects; place: number | undefined; shown: Shown },
): Promise<void> {
  const { body, sender, mine, peer } = incoming
  // Exactly once: the row is its own witness, also when it comes over another session.
  const present = await readMessage(tx, body.conversation, body.id)
  if (present) {
    // Sent again, so the first receipt may have been lost.
    if (!mine && present.sender === sender && contact.relation === 'accepted')
      await oweReceipt(tx, { conversation: body.conversation, message: body.id, kind: 'delivered', peer })
    return
  }
  const now = context.clock.now()
  const relation = contact.relation === 'none' ? (mine ? 'accepted' : 'request') : contact.relation
  if (relation !== contact.relation) writeContact(tx, { ...contact, relation })
  await learnProfileKey(tx, { incoming, effects })
  const conversation = (await readConversation(tx, body.conversation)) ?? newConversation(body.conversation, peer, now)
  const row: MessageRecord = {
    id: body.id,
    conversation: body.conversation,
    sender,
    sentAt: body.sentAt,
    order: 0,
    edited: false,
    reactions: [],
    ...shown,
    ...(mine ? { status: 'sent' as const } : !(await wasReadAhead(tx, body)) && { unread: true }),
  }
  // What was missed takes the place that was kept for it, and is unread from there on.
  const placed =
    place === undefined
      ? placeMessage(tx, row, conversation)
      : { message: { ...row, order: place }, conversation: { ...conversation, ...(row.unread && { readOrder: Math.min(conversation.readOrder, place - 1) }) } }
  writeMessage(tx, placed.message)
  writeConversation(tx, {
    ...placed.conversation,
    updatedAt: now,
    unread: conversation.unread + (row.unread ? 1 : 0),
    archived: mine ? conversation.archived : false,
  })
  effectsOfMessage(tx, { message: placed.message, conversation, effects })
  if (mine) return
  await logReceived(tx, body.conversation, body.id)
  if (relation === 'accepted') {
    await oweReceipt(tx, { conversation: body.conversation, message: body.id, kind: 'delivered', peer })
  }
}

/** It was read on another device before it came here. */
async function wasReadAhead(tx: Transaction, { conversation, id }: Incoming['body']): Promise<boolean> {
  const key = keyOf.readAhead(conversation, id)
  if (!(await tx.get(key))) return false
  tx.delete(key)
  return true
}

function effectsOfMessage(
  tx: Transaction,
  { message, conversation, effects }: { message: MessageRecord; conversation: ConversationRecord; effects: Effects },
): void {
  tx.afterCommit(() => {
    effects.typing(conversation.peer, false)
    effects.received(message)
  })
}

async function changeMessage(context: Context, tx: Transaction, { incoming, content }: { incoming: Incoming; content: ChangeContent }): Promise<void> {
  const { body, sender } = incoming
  if (await wasSeen(tx, body.id)) return
  const target = await readMessage(tx, body.conversation, content.target)
  if (!target || target.kind === 'deleted') return
  const next = changedMessage(target, sender, content)
  if (!next) return
  markSeen(tx, body.id, context.clock.now())
  writeMessage(tx, next)
}

export type ChangeContent = Extract<Content, { type: 'reaction' | 'edit' | 'delete' }>

/** Who may do what: anyone reacts, once each; only the author edits and deletes. undefined: not allowed. */
export function changedMessage(target: MessageRecord, by: AccountId, content: ChangeContent): MessageRecord | undefined {
  if (content.type === 'reaction') {
    const others = target.reactions.filter(({ accountId }) => accountId !== by)
    return { ...target, reactions: content.emoji === null ? others : [...others, { accountId: by, emoji: content.emoji }] }
  }
  if (target.sender !== by) return undefined
  if (content.type === 'edit') return target.kind === 'text' ? { ...target, text: content.text, edited: true } : undefined
  const { body: _, replyTo: __, ...bare } = target
  return { ...bare, kind: 'deleted', text: '', reactions: [] }
}

async function raiseStatus(
  tx: Transaction,
  { incoming, content, effects }: { incoming: Incoming; content: Extract<Content, { type: 'receipt' }>; effects: Effects },
): Promise<void> {
  for (const id of content.targets) {
    const message = await readMessage(tx, incoming.body.conversation, id)
    // Only of own messages, and only from the one who got them.
    if (!message || message.sender === incoming.sender) continue
    const status = raisedStatus(message.status, content.kind)
    if (status === undefined || status === message.status) continue
    const next = { ...message, status }
    writeMessage(tx, next)
    tx.afterCommit(() => effects.statusChanged(next))
  }
}

/** A new key, or the word that the profile has changed: it is fetched later, a message never waits for it. */
async function learnProfileKey(
  tx: Transaction,
  { incoming, effects, again = false }: { incoming: Incoming; effects: Effects; again?: boolean },
): Promise<void> {
  const { profileKey } = incoming.body
  if (incoming.mine) return
  const contact = await readContact(tx, incoming.peer)
  if (!contact) return
  const changed = profileKey !== undefined && !(contact.profileKey && equalSecretBytes(profileKey, contact.profileKey))
  if (!changed && !(again && contact.profileKey)) return
  writeContact(tx, { ...contact, profileDue: true, ...(profileKey && { profileKey }) })
  tx.afterCommit(() => effects.profileDue(incoming.peer))
}
