import { toBase64Url } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { keyOf, PREFIX } from './keys.js'
import { bytes, count, defineRecord } from './record.js'

const record = defineRecord(
  'history transfer',
  z.looseObject({
    /** 16 and 32 bytes, of this transfer alone. */
    id: bytes,
    key: bytes,
    direction: z.enum(['sending', 'receiving']),
    status: z.enum(['running', 'done', 'failed', 'expired']),
    /** Messages. */
    done: count,
    total: count,
    /** Crypto's encoding of a backup's state: what was sealed, or what was received. */
    state: z.optional(bytes),
    /** Sending: messages from this time on, and what is read next of which chats. */
    from: z.optional(count),
    chats: z.optional(z.array(z.looseObject({ id: z.string(), top: count }))),
    place: z.optional(z.looseObject({ stage: count, round: count, chat: count })),
    /** Sending: the last part is sealed. */
    sealed: z.optional(z.boolean()),
    /** When the server's place ends; receiving: known since it was seen. */
    expiresAt: z.optional(count),
    error: z.optional(z.looseObject({ code: z.string(), detail: z.optional(z.string()) })),
  }),
)
export type HistoryRow = ReturnType<typeof record.decode>

export const historyName = ({ id }: Pick<HistoryRow, 'id'>): string => toBase64Url(id)
export const writeHistory = (tx: Transaction, value: HistoryRow): void => record.write(tx, keyOf.history(historyName(value)), value)
export const readHistory = (reader: Pick<Reader, 'get'>, name: string): Promise<HistoryRow | undefined> => record.read(reader, keyOf.history(name))
export const listHistory = async (reader: Reader): Promise<HistoryRow[]> => (await reader.list(PREFIX.history)).map(({ value }) => record.decode(value))

/** One that begins; those that have ended are forgotten. */
export async function beginHistory(tx: Transaction, value: Pick<HistoryRow, 'id' | 'key' | 'direction' | 'from'>): Promise<void> {
  for (const row of await listHistory(tx)) if (row.status !== 'running') tx.delete(keyOf.history(historyName(row)))
  writeHistory(tx, { ...value, status: 'running', done: 0, total: 0 })
}
