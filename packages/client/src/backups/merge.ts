import { decodeManifestPin } from '@securechat/crypto'
import type { BackupKind, BackupRecord } from '@securechat/crypto/backup'
import { type AccountId, equalPublicBytes, idFromBytes, isIdText } from '@securechat/protocol'
import { type Context, directConversationId } from '../context.js'
import { newContact, readContact, writeContact } from '../state/contacts.js'
import { type ConversationRecord, newConversation, readConversation, writeConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import { keyOf, prefixOf, QUEUED_ORDER } from '../state/keys.js'
import { decodeMessage, type MessageRecord, placeMessage, readMessage, writeMessage } from '../state/messages.js'
import { readPins, writePins } from '../state/pins.js'
import { readOwnProfile, writeOwnProfile } from '../state/profile.js'
import {
  type ArchivedConversation,
  type ArchivedMessage,
  decodeArchivedContact,
  decodeArchivedConversation,
  decodeArchivedMessage,
  decodeArchivedPin,
  decodeArchivedProfile,
  NAMES,
} from './records.js'

/** A record that is there. */
export type Archived = BackupRecord & { readonly value: Uint8Array }

/** Which archive it is, and whose. */
export interface Origin {
  /** Remembered in each chat, so that going on after a crash merges it once. */
  readonly archive: string
  readonly accountId: AccountId
}

const ROWS_AT_ONCE = 100
/** Above, the rows of a chat are not moved: it had a history of its own before the archive came. */
const MOVED_AT_MOST = 5_000

/**
 * Merges one segment's records into the store, a page to a commit: what is here stays, what is not is added. The same records again change nothing. Throws
 * `backup/damaged` for what no archive of this account holds.
 */
export async function mergeRecords(
  context: Context,
  origin: Origin,
  { kind, records, done }: { readonly kind: BackupKind; readonly records: readonly Archived[]; readonly done?: (tx: Transaction) => Promise<void> },
): Promise<void> {
  for (let at = 0; at === 0 || at < records.length; at += ROWS_AT_ONCE) {
    const page = records.slice(at, at + ROWS_AT_ONCE)
    await context.db.run(
      async (tx) => {
        if (kind === 'messages')
          await mergeMessages(
            tx,
            page.map(({ value }) => decodeArchivedMessage(value)),
          )
        else for (const record of page) await mergeOne(context, tx, { kind, record, origin })
        if (at + ROWS_AT_ONCE >= records.length) await done?.(tx)
      },
      { durability: 'relaxed' },
    )
  }
}

async function mergeOne(context: Context, tx: Transaction, { kind, record, origin }: { kind: BackupKind; record: Archived; origin: Origin }): Promise<void> {
  switch (kind) {
    case 'account':
      return mergeAccount(tx, record)
    case 'manifests':
      return mergePin(context, tx, { record, origin })
    case 'contacts':
      return mergeContact(context, tx, { record, origin })
    case 'conversations':
      return mergeConversation(context, tx, { value: decodeArchivedConversation(record.value), origin })
    // Nothing of these yet.
    case 'groups':
    case 'settings':
    case 'messages':
      return
  }
}

/** The old account key stays in the archive: the succession has ended it. */
async function mergeAccount(tx: Transaction, { name, value }: Archived): Promise<void> {
  if (!equalPublicBytes(name, NAMES.profile) || (await readOwnProfile(tx))) return
  writeOwnProfile(tx, decodeArchivedProfile(value))
}

/**
 * What was believed before counts: a server that shows other keys to a new device is found out when it is asked for the chain from the archived manifest on. Of one
 * account key the higher version stays.
 */
async function mergePin({ provider }: Context, tx: Transaction, { record, origin }: { record: Archived; origin: Origin }): Promise<void> {
  const accountId = idFromBytes<AccountId>(record.name)
  if (accountId === origin.accountId) return
  const archived = decodeArchivedPin(record.value)
  const [pin, present] = [decodeManifestPin(provider, archived.pin), await readPins(tx, provider, accountId)]
  const sameKey = present && equalPublicBytes(present.pin.manifest.accountKey, pin.manifest.accountKey)
  if (sameKey && present.pin.manifest.version >= pin.manifest.version) return
  writePins(tx, accountId, { pin, candidate: archived.candidate && decodeManifestPin(provider, archived.candidate) })
}

async function mergeContact({ provider }: Context, tx: Transaction, { record, origin }: { record: Archived; origin: Origin }): Promise<void> {
  const archived = decodeArchivedContact(record.value)
  const { accountId, relation, relationBefore, verifiedKey } = archived
  if (!isIdText(accountId) || accountId === origin.accountId) return
  const present = (await readContact(tx, accountId)) ?? newContact(accountId)
  const pins = await readPins(tx, provider, accountId)
  // What the user has decided here is newer; that somebody wrote is no decision.
  const decided = present.relation === 'accepted' || present.relation === 'blocked'
  const profileKey = present.profileKey ?? archived.profileKey
  const profile = present.profile ?? archived.profile
  const key = present.verified || present.verifiedKey ? undefined : verifiedKey
  const verified = present.verified || (key !== undefined && pins !== undefined && !pins.candidate && equalPublicBytes(pins.pin.manifest.accountKey, key))
  writeContact(tx, {
    ...present,
    ...(!decided && { relation, ...(relationBefore && { relationBefore }) }),
    ...(present.phone === undefined && archived.phone !== undefined && { phone: archived.phone }),
    ...(profileKey && { profileKey }),
    ...(profile && { profile }),
    identityChanged: pins?.candidate !== undefined,
    verified,
    // As with another device's word: compared when the key is known here.
    ...(key && !pins && { verifiedKey: key }),
  })
}

/** Archived orders stay what they are; what came here meanwhile moves above them. */
async function mergeConversation({ provider }: Context, tx: Transaction, { value, origin }: { value: ArchivedConversation; origin: Origin }): Promise<void> {
  const { id, peer, updatedAt, nextOrder, readOrder, draft, muted, pinned, archived } = value
  if (!isIdText(peer) || id !== directConversationId(provider, origin.accountId, peer) || nextOrder < 1 || nextOrder >= QUEUED_ORDER) return
  const present = await readConversation(tx, id)
  if (present?.restored === origin.archive) return
  const before = present ?? newConversation(id, peer, updatedAt)
  const moved = await moveAbove(tx, { conversation: before, base: nextOrder })
  writeConversation(tx, {
    ...before,
    restored: origin.archive,
    updatedAt: Math.max(before.updatedAt, updatedAt),
    nextOrder: Math.max(moved, nextOrder),
    readOrder: present ? Math.min(present.readOrder, readOrder) : readOrder,
    draft: before.draft || draft,
    muted: before.muted || muted,
    pinned: before.pinned || pinned,
    archived: present && present.nextOrder > 1 ? before.archived : archived,
  })
}

/** Rows that came before the archive did get orders from `base` on. Gives the order of the next row. */
async function moveAbove(tx: Transaction, { conversation, base }: { conversation: ConversationRecord; base: number }): Promise<number> {
  const { id, nextOrder, restored } = conversation
  if (nextOrder <= 1 || base <= 1 || restored !== undefined) return nextOrder
  const entries = await tx.list(prefixOf.messages(id), { before: keyOf.message(id, QUEUED_ORDER), limit: MOVED_AT_MOST + 1 })
  if (entries.length > MOVED_AT_MOST) return nextOrder
  const rows = entries.map(({ value }) => decodeMessage(value))
  for (const { order } of rows) tx.delete(keyOf.message(id, order))
  for (const row of rows) writeMessage(tx, { ...row, order: row.order + base - 1 })
  return nextOrder + base - 1
}

async function mergeMessages(tx: Transaction, messages: readonly ArchivedMessage[]): Promise<void> {
  await tx.prefetch(messages.flatMap(({ conversation, id, order }) => [keyOf.messageId(conversation, id), keyOf.message(conversation, order)]))
  for (const value of messages) await mergeMessage(tx, value)
}

async function mergeMessage(tx: Transaction, archived: ArchivedMessage): Promise<void> {
  const { id, conversation: conversationId, order } = archived
  if (!isIdText(id) || !isIdText(conversationId)) return
  const conversation = await readConversation(tx, conversationId)
  // The chats came first: one that is not there is not the account's.
  if (!conversation || (await readMessage(tx, conversationId, id))) return
  const aheadKey = keyOf.readAhead(conversationId, id)
  const readAhead = archived.unread === true && (await tx.get(aheadKey)) !== undefined
  if (readAhead) tx.delete(aheadKey)
  const { unread: _, ...rest } = archived
  const row: MessageRecord = { ...rest, ...(archived.unread && !readAhead && { unread: true }) }
  const free = order >= 1 && order < conversation.nextOrder && (await tx.get(keyOf.message(conversationId, order))) === undefined
  // A place that is taken: two histories of one chat. Nothing is lost, at the price of the order.
  const placed = free ? { message: row, conversation } : placeMessage(tx, { ...row, order: 0 }, conversation)
  writeMessage(tx, placed.message)
  const readOrder = row.unread ? Math.min(conversation.readOrder, placed.message.order - 1) : conversation.readOrder
  if (row.unread || !free) writeConversation(tx, { ...placed.conversation, readOrder, unread: conversation.unread + (row.unread ? 1 : 0) })
}
