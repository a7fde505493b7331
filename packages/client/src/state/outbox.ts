import type { AccountId, ConversationId, DeviceId, MessageId } from '@securechat/protocol'
import * as z from 'zod/mini'
import { nextCounter } from './counters.js'
import type { Reader, Transaction } from './database.js'
import { keyOf, PREFIX, prefixOf } from './keys.js'
import { bytes, count, defineRecord, id } from './record.js'

const record = defineRecord(
  'outbox',
  z.looseObject({
    peer: id<AccountId>(),
    conversation: id<ConversationId>(),
    /** The message row that shows what becomes of it; absent for receipts, reactions and the like. */
    message: z.optional(id<MessageId>()),
    type: z.string(),
    /** The encoded body, the same for every device. */
    common: bytes,
    /** Chosen once: whatever is repeated is repeated under it, and the server stores it once. */
    sendId: id<MessageId>(),
    /** What an edit, a reaction or a delete is about. */
    target: z.optional(id<MessageId>()),
    /** For this device alone: a request to send again, or a message that it asked for. */
    device: z.optional(z.looseObject({ accountId: id<AccountId>(), deviceId: z.custom<DeviceId>((value) => typeof value === 'number') })),
    /** Sent again: the hashes of the envelopes that this one replaces, and where the body is held. */
    again: z.optional(z.array(bytes)),
    sent: z.optional(z.string()),
    queuedAt: count,
    /** Not worth sending later than this, unless it was encrypted before. */
    expiresAt: z.optional(count),
    /** Set by the commit that moved the ratchets: from then on these very bytes are sent, and nothing else. */
    recipients: z.optional(
      z.array(
        z.looseObject({
          accountId: id<AccountId>(),
          deviceId: z.custom<DeviceId>((value) => typeof value === 'number'),
          manifestVersion: count,
          envelope: bytes,
        }),
      ),
    ),
  }),
)
export type OutboxRecord = ReturnType<typeof record.decode>
export interface OutboxRow {
  readonly key: string
  readonly record: OutboxRecord
}

/** Adds a row behind all others and gives its key. */
export async function addOutbox(tx: Transaction, value: OutboxRecord): Promise<string> {
  const key = keyOf.outbox(value.peer, await nextCounter(tx, 'outbox'))
  record.write(tx, key, value)
  return key
}

export const readOutbox = (reader: Reader, key: string): Promise<OutboxRecord | undefined> => record.read(reader, key)
export const writeOutbox = (tx: Transaction, { key, record: value }: OutboxRow): void => record.write(tx, key, value)

export async function firstOutbox(reader: Reader, peer: AccountId): Promise<OutboxRow | undefined> {
  const [entry] = await reader.list(prefixOf.outbox(peer), { limit: 1 })
  return entry && { key: entry.key, record: record.decode(entry.value) }
}

/** Accounts that something waits for. Skips from peer to peer, so that it costs one read each, however much is queued. */
/** Rows of a peer that are encrypted and perhaps on their way, oldest first. */
export async function preparedOutbox(reader: Reader, prefix: string, limit: number): Promise<OutboxRow[]> {
  const rows = (await reader.list(prefix, { limit })).map(({ key, value }) => ({ key, record: record.decode(value) }))
  return rows.filter(({ record: { recipients } }) => recipients !== undefined)
}

export async function outboxPeers(reader: Reader): Promise<AccountId[]> {
  const peers: AccountId[] = []
  for (let after: string = PREFIX.outbox; ; ) {
    const [entry] = await reader.list(PREFIX.outbox, { after, limit: 1 })
    if (!entry) return peers
    const peer = entry.key.slice(PREFIX.outbox.length).split('/', 1)[0] as AccountId
    peers.push(peer)
    // '~' comes behind every digit.
    after = `${prefixOf.outbox(peer)}~`
  }
}
