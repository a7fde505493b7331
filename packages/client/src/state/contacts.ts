import type { AccountId } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { keyOf, PREFIX } from './keys.js'
import { bytes, count, defineRecord, id } from './record.js'

const record = defineRecord(
  'contact',
  z.looseObject({
    accountId: id<AccountId>(),
    phone: z.optional(z.string()),
    /** none: looked up, nothing more. */
    relation: z.enum(['none', 'accepted', 'request', 'blocked']),
    /** What it was before it was blocked. */
    relationBefore: z.optional(z.enum(['none', 'accepted', 'request'])),
    identityChanged: z.boolean(),
    verified: z.boolean(),
    /** Verified on another device with this account key, before the key was known here. */
    verifiedKey: z.optional(bytes),
    profileKey: z.optional(bytes),
    profile: z.optional(z.looseObject({ name: z.string(), avatar: z.optional(bytes), version: count })),
    /** The profile has to be fetched (again). */
    profileDue: z.optional(z.boolean()),
  }),
)
export type ContactRecord = ReturnType<typeof record.decode>

export const readContact = (reader: Reader, account: AccountId): Promise<ContactRecord | undefined> => record.read(reader, keyOf.contact(account))
export const writeContact = (tx: Transaction, value: ContactRecord): void => record.write(tx, keyOf.contact(value.accountId), value)
export const decodeContact = record.decode
export const newContact = (accountId: AccountId): ContactRecord => ({ accountId, relation: 'none', identityChanged: false, verified: false })

export async function listContacts(reader: Reader): Promise<ContactRecord[]> {
  return (await reader.list(PREFIX.contact)).map(({ value }) => record.decode(value))
}
