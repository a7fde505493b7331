import { type AccountId, type ConversationId, isIdText, LIMITS, type MessageId, SecureChatError, text as utf8 } from '@securechat/protocol'
import type { Content } from '@securechat/protocol/content'
import { acceptContact } from '../contacts/relation.js'
import { type Context, newMessageId } from '../context.js'
import { forgetBody } from '../healing/hold.js'
import { changedMessage } from '../receive/apply.js'
import { enqueue } from '../send/compose.js'
import { requireAccount } from '../state/account.js'
import { readContact } from '../state/contacts.js'
import { requireConversation, writeConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import { oweReceipt } from '../state/inbox.js'
import { QUEUED_ORDER } from '../state/keys.js'
import { deleteMessage, listMessages, type MessageRecord, queueMessage, readMessage, requireMessage, writeMessage } from '../state/messages.js'
import { readOutbox } from '../state/outbox.js'
import { shareSoon } from '../sync/due.js'
import { readKey } from '../sync/kinds/read.js'

/** What the user does in a conversation: each is one commit. */
export interface Place {
  readonly conversation: ConversationId
  readonly peer: AccountId
}

export interface TextInput {
  readonly text: string
  readonly replyTo?: MessageId | undefined
  readonly id?: MessageId | undefined
}

const invalid = (detail: string): never => {
  throw new SecureChatError('client/invalid-argument', { detail })
}

function checkText(value: unknown): string {
  if (typeof value !== 'string' || value.length === 0) return invalid('text')
  if (utf8(value).length > LIMITS.messageTextBytes) throw new SecureChatError('protocol/too-large', { detail: 'text' })
  return value
}

/** The account may write, and the contact is one to write to. Answering accepts. */
async function requireWritable(context: Context, tx: Transaction, place: Place): Promise<void> {
  if ((await requireAccount(tx)).status !== 'signed-in') throw new SecureChatError('auth/revoked')
  if ((await readContact(tx, place.peer))?.relation === 'blocked') invalid('the contact is blocked')
  await acceptContact(context, tx, place)
}

/** Stores the message and its outbox row. The same id again gives the message that is there. */
export async function sendText(context: Context, tx: Transaction, { place, input }: { place: Place; input: TextInput }): Promise<MessageRecord> {
  const text = checkText(input.text)
  if (input.id !== undefined && !isIdText(input.id)) invalid('message id')
  if (input.replyTo !== undefined && !isIdText(input.replyTo)) invalid('replyTo')
  const { accountId: sender } = await requireAccount(tx)
  const id = input.id ?? newMessageId(context)
  const present = await readMessage(tx, place.conversation, id)
  if (present) return present.sender === sender ? present : invalid('message id')
  await requireWritable(context, tx, place)
  const now = context.clock.now()
  const reply = input.replyTo === undefined ? {} : { replyTo: input.replyTo }
  const row: MessageRecord = {
    id,
    conversation: place.conversation,
    sender,
    kind: 'text',
    text,
    sentAt: now,
    order: 0,
    status: 'queued',
    edited: false,
    reactions: [],
    ...reply,
  }
  return queueShown(context, tx, { place, row })
}

/** A failed message is queued again under its own id, behind everything else. */
export async function retryMessage(context: Context, tx: Transaction, { place, id }: { place: Place; id: MessageId }): Promise<MessageRecord> {
  const { accountId } = await requireAccount(tx)
  const { error: _, ...message } = await requireMessage(tx, place.conversation, id)
  if (message.sender !== accountId) return invalid('not an own message')
  if (message.status !== 'failed') return message
  await requireWritable(context, tx, place)
  return queueShown(context, tx, { place, row: { ...message, status: 'queued' } })
}

async function queueShown(context: Context, tx: Transaction, { place, row }: { place: Place; row: MessageRecord }): Promise<MessageRecord> {
  const { id, text, replyTo, sentAt } = row
  const content: Content = { type: 'text', text, ...(replyTo !== undefined && { replyTo }) }
  const outbox = await enqueue(context, tx, { ...place, content, id, sentAt, shown: true })
  const queued = queueMessage(tx, { ...row, outbox }, await requireConversation(tx, place.conversation))
  writeMessage(tx, queued.message)
  writeConversation(tx, { ...queued.conversation, updatedAt: context.clock.now(), archived: false })
  return queued.message
}

/** Reaction, edit, delete: shown here at once, queued for the peer. */
export async function changeTarget(
  context: Context,
  tx: Transaction,
  { place, content }: { place: Place; content: Extract<Content, { type: 'reaction' | 'edit' | 'delete' }> },
): Promise<void> {
  const { accountId } = await requireAccount(tx)
  if (content.type === 'edit') checkText(content.text)
  if (content.type === 'reaction' && content.emoji !== null && (typeof content.emoji !== 'string' || content.emoji.length === 0 || content.emoji.length > 32))
    invalid('emoji')
  const target = await requireMessage(tx, place.conversation, content.target)
  if (target.kind === 'deleted' && content.type === 'delete') return
  const next = target.kind === 'text' || (target.kind === 'unsupported' && content.type !== 'edit') ? changedMessage(target, accountId, content) : undefined
  if (!next) return invalid('not allowed for this message')
  // What was never encrypted goes without a trace.
  if (content.type === 'delete' && (await withdraw(tx, target))) return
  await requireWritable(context, tx, place)
  writeMessage(tx, next)
  if (content.type === 'delete' && target.sent !== undefined) await forgetBody(tx, target.sent)
  if (target.status === 'failed') return
  await enqueue(context, tx, { ...place, content })
}

async function withdraw(tx: Transaction, message: MessageRecord): Promise<boolean> {
  const { outbox, status } = message
  if (status !== 'queued' || outbox === undefined) return false
  const row = await readOutbox(tx, outbox)
  if (!row || row.recipients) return false
  tx.delete(outbox)
  deleteMessage(tx, message)
  return true
}

const PAGE = 500

/** Everything that is here is read. Receipts go to accepted contacts only, the fact to the own other devices. */
export async function markRead(context: Context, tx: Transaction, place: Place): Promise<void> {
  const conversation = await requireConversation(tx, place.conversation)
  const newest = conversation.nextOrder - 1
  if (conversation.unread === 0 && conversation.readOrder >= newest) return
  writeConversation(tx, { ...conversation, unread: 0, readOrder: newest })
  const accepted = (await readContact(tx, place.peer))?.relation === 'accepted'
  for (let before: number = QUEUED_ORDER; ; ) {
    const page = await listMessages(tx, place.conversation, { limit: PAGE, before, after: conversation.readOrder })
    const unread = page.filter((message) => message.unread)
    for (const { unread: _, ...message } of unread) writeMessage(tx, message)
    // A placeholder has an id of this device's own.
    const told = unread.filter(({ kind }) => kind !== 'undecryptable')
    await shareSoon(context, tx, { kind: 'read', keys: told.map(({ id }) => readKey(place.conversation, id)) })
    for (const { id, kind, sender } of page) {
      if (!accepted || sender !== place.peer || (kind !== 'text' && kind !== 'unsupported')) continue
      await oweReceipt(tx, { conversation: place.conversation, message: id, kind: 'read', peer: place.peer })
    }
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    before = last.order
  }
}

const TYPING_LIFETIME_MS = 8_000

/** Only where a chat is going on; worthless when it is late. */
export async function sendTyping(context: Context, tx: Transaction, { place, active }: { place: Place; active: boolean }): Promise<void> {
  const conversation = await requireConversation(tx, place.conversation)
  if ((await readContact(tx, place.peer))?.relation !== 'accepted' || conversation.nextOrder === 1) return
  await enqueue(context, tx, { ...place, content: { type: 'typing', active }, lifetimeMs: TYPING_LIFETIME_MS })
}
