import type { AccountId, ConversationId } from '@securechat/protocol'
import { renewProfileKey } from '../account/profile-key.js'
import type { Context } from '../context.js'
import { newContact, readContact, writeContact } from '../state/contacts.js'
import { readConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import { oweReceipt } from '../state/inbox.js'
import { QUEUED_ORDER } from '../state/keys.js'
import { listMessages } from '../state/messages.js'
import { shareSoon } from '../sync/due.js'
import { contactKey, contactState } from '../sync/kinds/contact.js'

/** Receipts that one accepting makes due at most. */
const RECEIPTS = 256

const shareRelation = (context: Context, tx: Transaction, peer: AccountId): Promise<void> =>
  shareSoon(context, tx, { kind: contactState.name, keys: [contactKey(peer, 'relation')] })

/** Starting or answering a chat accepts the contact. What a stranger had written before is receipted now, and only now. */
export async function acceptContact(
  context: Context,
  tx: Transaction,
  { peer, conversation }: { peer: AccountId; conversation: ConversationId },
): Promise<void> {
  const contact = (await readContact(tx, peer)) ?? newContact(peer)
  if (contact.relation === 'accepted') return
  const { relationBefore: _, ...rest } = contact
  writeContact(tx, { ...rest, relation: 'accepted', ...(contact.profileKey && !contact.profile && { profileDue: true }) })
  await shareRelation(context, tx, peer)
  const readOrder = (await readConversation(tx, conversation))?.readOrder ?? 0
  for (const message of await listMessages(tx, conversation, { limit: RECEIPTS, before: QUEUED_ORDER })) {
    if (message.sender !== peer || (message.kind !== 'text' && message.kind !== 'unsupported')) continue
    await oweReceipt(tx, { conversation, message: message.id, kind: message.order <= readOrder ? 'read' : 'delivered', peer })
  }
}

/** From now on nothing of them is shown and nothing is sent to them, not even a receipt; what the profile says from now on they cannot read. */
export async function blockContact(context: Context, tx: Transaction, peer: AccountId): Promise<void> {
  const contact = (await readContact(tx, peer)) ?? newContact(peer)
  if (contact.relation === 'blocked') return
  writeContact(tx, { ...contact, relation: 'blocked', relationBefore: contact.relation })
  await shareRelation(context, tx, peer)
  if (contact.relation === 'accepted') await renewProfileKey(context, tx)
}

export async function unblockContact(context: Context, tx: Transaction, peer: AccountId): Promise<void> {
  const contact = await readContact(tx, peer)
  if (contact?.relation !== 'blocked') return
  const { relationBefore, ...rest } = contact
  writeContact(tx, { ...rest, relation: relationBefore ?? 'request' })
  await shareRelation(context, tx, peer)
}
