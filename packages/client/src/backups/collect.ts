import { encodeAccountKeys } from '@securechat/crypto'
import type { BackupKind, BackupRecord } from '@securechat/crypto/backup'
import { type AccountId, type ConversationId, LIMITS, type Timestamp } from '@securechat/protocol'
import type { StoredEntry } from '@securechat/storage'
import type { Context } from '../context.js'
import { readAccount, readAccountKeys } from '../state/account.js'
import type { BackupRunRow } from '../state/backup.js'
import { decodeContact } from '../state/contacts.js'
import { decodeConversation } from '../state/conversations.js'
import { KEYS, keyOf, PREFIX, prefixOf, QUEUED_ORDER, secondPart } from '../state/keys.js'
import { decodeMessage } from '../state/messages.js'
import { decodePins, readPins } from '../state/pins.js'
import { decodeOwnProfile } from '../state/profile.js'
import { archiveAccount, archiveContact, archiveConversation, archiveMessage, archivePin, archiveProfile } from './records.js'

/** Orders of one window: what is read at once of a chat. */
const WINDOW = 200

/** Which chats an archive is made of: the newest first, each with its highest window. */
export type Chat = BackupRunRow['chats'][number]

export interface Place {
  /** Into the archive's stages. */
  readonly stage: number
  /** Windows below the highest one of each chat, and the chat. */
  readonly round: number
  readonly chat: number
}

export interface Selection {
  /** Rows that the store has written after this commit. */
  readonly since: number
  /** Messages sent from this time on. */
  readonly from?: Timestamp | undefined
}

export const START: Place = { stage: 0, round: 0, chat: 0 }

export async function listChats({ db }: Pick<Context, 'db'>): Promise<Chat[]> {
  const records = (await db.list(PREFIX.conversation)).map(({ value }) => decodeConversation(value))
  records.sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? -1 : 1))
  return records.filter(({ nextOrder }) => nextOrder > 1).map(({ id, nextOrder }) => ({ id, top: Math.floor((nextOrder - 2) / WINDOW) }))
}

interface Collected {
  readonly kind: BackupKind
  readonly records: readonly BackupRecord[]
  /** undefined: that was all. */
  readonly next: Place | undefined
}

/** Orders in which an archive is made. A backup tells of the chats after their messages, so that what it says of orders covers them all; history tells of them first. */
export const BACKUP_STAGES = ['messages', 'account', 'manifests', 'contacts', 'conversations'] as const
export const HISTORY_STAGES = ['manifests', 'contacts', 'conversations', 'messages'] as const

type Source = (context: Context, selection: Selection) => Promise<BackupRecord[]>
const SOURCES: Readonly<Record<Exclude<(typeof BACKUP_STAGES)[number], 'messages'>, Source>> = {
  account: accountRecords,
  manifests: pinRecords,
  contacts: contactRecords,
  conversations: conversationRecords,
}

export interface Archive {
  readonly stages: readonly (typeof BACKUP_STAGES)[number][]
  readonly chats: readonly Chat[]
  readonly selection: Selection
}

/** The records of one place, and the next one. Newest windows of all chats first, then the ones below them. */
async function collect(context: Context, { stages, chats, selection }: Archive, { stage, round, chat }: Place): Promise<Collected> {
  const kind = stages[stage]
  if (kind === undefined) return { kind: 'messages', records: [], next: undefined }
  const behind = { ...START, stage: stage + 1 }
  if (kind !== 'messages') return { kind, records: await SOURCES[kind](context, selection), next: behind }
  if (round >= chats.reduce((most, { top }) => Math.max(most, top + 1), 0)) return { kind, records: [], next: behind }
  const next = chat + 1 < chats.length ? { stage, round, chat: chat + 1 } : { stage, round: round + 1, chat: 0 }
  const at = chats[chat]
  return { kind, records: at && at.top >= round ? await messageRecords(context, { id: at.id, window: at.top - round, selection }) : [], next }
}

/** Bytes of records in one segment: a good part of a frame, and little enough that progress is seen and a broken upload costs little. */
const SEGMENT_BYTES = 512 * 1024
/** Lengths and the mark around a record's name and value. */
const RECORD_OVERHEAD = 7

export interface Gathered extends Collected {
  /** Windows of messages that were read. */
  readonly windows: number
}

/** From `place` on, records of one kind, about one segment of them. `next` undefined: that was all. */
export async function gather(context: Context, archive: Archive, from: Place): Promise<Gathered> {
  const records: BackupRecord[] = []
  let place = from
  let [bytes, windows] = [0, 0]
  for (;;) {
    const { kind, records: found, next } = await collect(context, archive, place)
    const size = found.reduce((sum, record) => sum + lengthOf(record), 0)
    // One that does not fit any more is read again with the next segment.
    if (records.length > 0 && bytes + size > LIMITS.backupSegmentBytes) return { kind, records, next: place, windows }
    records.push(...found)
    bytes += size
    if (kind === 'messages' && next) windows++
    if (!next || next.stage !== place.stage || bytes >= SEGMENT_BYTES) return { kind, records, next, windows }
    place = next
  }
}

const lengthOf = ({ name, value }: BackupRecord): number => name.length + (value?.length ?? 0) + RECORD_OVERHEAD

/** In as few segments as they fit, in their order. */
export function* packed(records: readonly BackupRecord[]): Generator<readonly BackupRecord[]> {
  let [waiting, bytes]: [BackupRecord[], number] = [[], 0]
  for (const record of records) {
    if (waiting.length > 0 && bytes + lengthOf(record) > LIMITS.backupSegmentBytes) {
      yield waiting
      ;[waiting, bytes] = [[], 0]
    }
    waiting.push(record)
    bytes += lengthOf(record)
  }
  if (waiting.length > 0) yield waiting
}

const changed = (entries: readonly StoredEntry[], { since }: Selection): StoredEntry[] => entries.filter(({ version }) => version > since)

async function messageRecords(
  { storage }: Context,
  { id, window, selection }: { readonly id: string; readonly window: number; readonly selection: Selection },
): Promise<BackupRecord[]> {
  const conversation = id as ConversationId
  const [after, before] = [keyOf.message(conversation, window * WINDOW), keyOf.message(conversation, Math.min((window + 1) * WINDOW + 1, QUEUED_ORDER))]
  const entries = await storage.list(prefixOf.messages(conversation), { after, before, reverse: true })
  return changed(entries, selection).flatMap(({ value }) => {
    const message = decodeMessage(value)
    const record = selection.from === undefined || message.sentAt >= selection.from ? archiveMessage(message) : null
    return record ? [record] : []
  })
}

async function accountRecords({ db, storage }: Context, selection: Selection): Promise<BackupRecord[]> {
  const [account, keys] = [await readAccount(db), await readAccountKeys(db)]
  const rows = (await storage.getMany([KEYS.accountKeys, KEYS.profile])).flatMap((entry) => (entry ? changed([entry], selection) : []))
  return rows.flatMap(({ key, value }) => {
    if (key === KEYS.profile) return [archiveProfile(decodeOwnProfile(value))]
    return account && keys ? [archiveAccount({ accountId: account.accountId, phone: account.phone, accountKeys: encodeAccountKeys(keys) })] : []
  })
}

async function pinRecords({ storage }: Context, selection: Selection): Promise<BackupRecord[]> {
  return changed(await storage.list(PREFIX.pin), selection).map(({ key, value }) => archivePin(secondPart(key) as AccountId, decodePins(value)))
}

async function contactRecords({ storage, db, provider }: Context, selection: Selection): Promise<BackupRecord[]> {
  const records: BackupRecord[] = []
  for (const { value } of changed(await storage.list(PREFIX.contact), selection)) {
    const contact = decodeContact(value)
    const pins = contact.verified ? await readPins(db, provider, contact.accountId) : undefined
    records.push(archiveContact(contact, pins?.pin.manifest.accountKey ?? contact.verifiedKey))
  }
  return records
}

async function conversationRecords({ storage }: Context, selection: Selection): Promise<BackupRecord[]> {
  return changed(await storage.list(PREFIX.conversation), selection).map(({ value }) => archiveConversation(decodeConversation(value)))
}
