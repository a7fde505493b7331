import type { ManifestPin } from '@securechat/crypto'
import type { AccountId } from '@securechat/protocol'
import { type Context, directConversationId, newMessageId } from '../context.js'
import { newContact, readContact, writeContact } from '../state/contacts.js'
import { readConversation, writeConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import { placeMessage, writeMessage } from '../state/messages.js'
import type { Pins } from '../state/pins.js'
import { deleteSessions } from '../state/sessions.js'
import type { Judgement } from './judge-chain.js'

/**
 * The recovery key's word is enough for a contact whose digits nobody has compared. Where they were compared, or a changed key waits already, the user
 * decides as ever (docs/protocol/11, "Succession").
 */
export async function withConsent(tx: Transaction, judged: Judgement, before: Pins): Promise<Judgement> {
  if (judged.successions.length === 0) return judged
  const asked = before.candidate !== undefined || (await readContact(tx, before.pin.manifest.accountId))?.verified
  return asked ? { ...judged, pin: before.pin, candidate: judged.pin, newDeviceIds: [], removedDeviceIds: [], successions: [] } : judged
}

/** A changed account key is always visible: a row in the conversation, a mark at the contact, an event. Nothing is sent until the user has accepted it. */
export async function showChangedIdentity(context: Context, tx: Transaction, accountId: AccountId): Promise<void> {
  writeContact(tx, { ...((await readContact(tx, accountId)) ?? newContact(accountId)), identityChanged: true, verified: false })
  await writeNotice(context, tx, { accountId, kind: 'identity-changed' })
  tx.afterCommit(() => context.events.emit('identity-changed', { accountId }))
}

/** One that the recovery key vouches for is visible too; sending goes on, over new sessions. */
export async function showRecoveredIdentity(
  context: Context,
  tx: Transaction,
  { pin: { manifest }, endedFork }: { readonly pin: ManifestPin; readonly endedFork: boolean },
): Promise<void> {
  const { accountId, accountKey } = manifest
  await deleteSessions(tx, accountId, accountKey)
  writeContact(tx, { ...((await readContact(tx, accountId)) ?? newContact(accountId)), identityChanged: false, verified: false })
  await writeNotice(context, tx, { accountId, kind: 'identity-recovered' })
  tx.afterCommit(() => context.events.emit('identity-recovered', { accountId, endedFork }))
}

async function writeNotice(
  context: Context,
  tx: Transaction,
  { accountId, kind }: { readonly accountId: AccountId; readonly kind: 'identity-changed' | 'identity-recovered' },
): Promise<void> {
  const { provider, clock } = context
  const { accountId: self } = await context.identity.self()
  const conversation = await readConversation(tx, directConversationId(provider, self, accountId))
  if (!conversation) return
  const now = clock.now()
  const row = {
    id: newMessageId(context),
    conversation: conversation.id,
    sender: accountId,
    kind,
    text: '',
    sentAt: now,
    order: 0,
    edited: false,
    reactions: [],
  }
  const placed = placeMessage(tx, row, conversation)
  writeMessage(tx, placed.message)
  writeConversation(tx, { ...placed.conversation, updatedAt: now })
}
