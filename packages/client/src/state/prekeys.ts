import type { GeneratedPreKey } from '@securechat/crypto'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { KEYS, keyOf, PREFIX } from './keys.js'
import { bytes, count, defineRecord } from './record.js'

const state = defineRecord(
  'prekeys',
  z.looseObject({
    /** Ids count up and are never used twice. */
    nextKeyId: count,
    signedKeyId: count,
    lastResortKeyId: count,
    rotatedAt: count,
    /** Committed together with the private keys BEFORE the upload, repeated byte for byte until the server has confirmed. */
    upload: z.optional(z.looseObject({ signed: z.optional(bytes), lastResort: z.optional(bytes), oneTime: z.optional(z.array(bytes)) })),
  }),
)
export type PreKeysRecord = ReturnType<typeof state.decode>

const privateKey = defineRecord(
  'prekey',
  z.looseObject({
    private: bytes,
    type: z.enum(['signed', 'last-resort', 'one-time']),
    created: count,
    /** When another took its place: from then on it lives only as long as first messages for it may still come. */
    replacedAt: z.optional(count),
  }),
)
export type PreKeyRecord = ReturnType<typeof privateKey.decode>

export const readPreKeys = (reader: Reader): Promise<PreKeysRecord | undefined> => state.read(reader, KEYS.preKeys)
export const writePreKeys = (tx: Transaction, value: PreKeysRecord): void => state.write(tx, KEYS.preKeys, value)
export const readPreKey = (reader: Reader, keyId: number): Promise<PreKeyRecord | undefined> => privateKey.read(reader, keyOf.preKey(keyId))
export const writePreKey = (tx: Transaction, keyId: number, value: PreKeyRecord): void => privateKey.write(tx, keyOf.preKey(keyId), value)
export const deletePreKey = (tx: Transaction, keyId: number): void => tx.delete(keyOf.preKey(keyId))

export function writeGenerated(tx: Transaction, keys: readonly GeneratedPreKey[], { type, created }: Pick<PreKeyRecord, 'type' | 'created'>): void {
  for (const key of keys) writePreKey(tx, key.keyId, { private: key.private, type, created })
}

export async function listPreKeys(reader: Reader): Promise<{ keyId: number; record: PreKeyRecord }[]> {
  const entries = await reader.list(PREFIX.preKey)
  return entries.map(({ key, value }) => ({ keyId: Number(key.slice(PREFIX.preKey.length)), record: privateKey.decode(value) }))
}
