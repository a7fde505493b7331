import type { AccountId, ConversationId, DeviceId, MessageId } from '@securechat/protocol'
import * as z from 'zod/mini'
import { nextCounter } from './counters.js'
import type { Reader, Transaction } from './database.js'
import { KEYS, keyOf, PREFIX, prefixOf } from './keys.js'
import { bytes, count, defineRecord, id } from './record.js'

const inbox = defineRecord('inbox', z.looseObject({ cursor: count }))
const receipt = defineRecord('receipt', z.looseObject({ kind: z.enum(['delivered', 'read']), peer: id<AccountId>() }))
const seen = defineRecord('seen', z.looseObject({ at: count }))
const held = defineRecord(
  'held',
  z.looseObject({ sender: id<AccountId>(), device: z.custom<DeviceId>((value) => typeof value === 'number'), at: count, envelope: bytes }),
)
const log = defineRecord('log', z.looseObject({ conversation: id<ConversationId>(), message: id<MessageId>() }))
const consumer = defineRecord('consumer', z.looseObject({ cursor: count }))

export type ReceiptKind = 'delivered' | 'read'
export interface DueReceipt {
  readonly key: string
  readonly message: MessageId
  readonly kind: ReceiptKind
  readonly peer: AccountId
}

/** Everything up to this sequence of the mailbox was applied, in the same commit. */
export const readCursor = async (reader: Reader): Promise<number> => (await inbox.read(reader, KEYS.inbox))?.cursor ?? 0
export const writeCursor = (tx: Transaction, cursor: number): void => inbox.write(tx, KEYS.inbox, { cursor })

/** `read` takes the place of `delivered`, never the other way round. */
export async function oweReceipt(
  tx: Transaction,
  owed: { conversation: ConversationId; message: MessageId; kind: ReceiptKind; peer: AccountId },
): Promise<void> {
  const key = keyOf.receipt(owed.conversation, owed.message)
  if (owed.kind === 'delivered' && (await tx.get(key))) return
  receipt.write(tx, key, { kind: owed.kind, peer: owed.peer })
}

export async function dueReceipts(reader: Reader, conversation: ConversationId, limit: number): Promise<DueReceipt[]> {
  const prefix = prefixOf.receipts(conversation)
  return (await reader.list(prefix, { limit })).map(({ key, value }) => ({ key, message: key.slice(prefix.length) as MessageId, ...receipt.decode(value) }))
}

/** Conversations with receipts that are due. */
export async function receiptConversations(reader: Reader): Promise<ConversationId[]> {
  const found: ConversationId[] = []
  for (let after: string = PREFIX.receipt; ; ) {
    const [entry] = await reader.list(PREFIX.receipt, { after, limit: 1 })
    if (!entry) return found
    const conversation = entry.key.slice(PREFIX.receipt.length).split('/', 1)[0] as ConversationId
    found.push(conversation)
    after = `${prefixOf.receipts(conversation)}~`
  }
}

export const wasSeen = async (reader: Reader, message: MessageId): Promise<boolean> => (await reader.get(keyOf.seen(message))) !== undefined
export const markSeen = (tx: Transaction, message: MessageId, at: number): void => seen.write(tx, keyOf.seen(message), { at })
export const seenAt = (value: Uint8Array): number => seen.decode(value).at

/** Bounds what a peer with a newer version, or a server, can fill the store with. */
const HELD_LIMIT = 200

/** Keeps an envelope that only a newer version can read. False: there are too many already. */
export async function holdEnvelope(
  tx: Transaction,
  sequence: number,
  value: { sender: AccountId; device: DeviceId; at: number; envelope: Uint8Array },
): Promise<boolean> {
  if ((await tx.list(PREFIX.held, { limit: HELD_LIMIT })).length >= HELD_LIMIT) return false
  held.write(tx, keyOf.held(sequence), value)
  return true
}

export async function logReceived(tx: Transaction, conversation: ConversationId, message: MessageId): Promise<void> {
  log.write(tx, keyOf.log(await nextCounter(tx, 'log')), { conversation, message })
}

/** The first received message behind a cursor. */
export async function nextReceived(reader: Reader, cursor: number): Promise<{ number: number; conversation: ConversationId; message: MessageId } | undefined> {
  const [entry] = await reader.list(PREFIX.log, { after: keyOf.log(cursor), limit: 1 })
  return entry && { number: Number(entry.key.slice(PREFIX.log.length)), ...log.decode(entry.value) }
}

export const readConsumer = async (reader: Reader, name: string): Promise<number> => (await consumer.read(reader, keyOf.consumer(name)))?.cursor ?? 0
export const writeConsumer = (tx: Transaction, name: string, cursor: number): void => consumer.write(tx, keyOf.consumer(name), { cursor })
