import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { KEYS } from './keys.js'
import { bytes, count, defineRecord } from './record.js'

const record = defineRecord(
  'profile',
  z.looseObject({
    key: bytes,
    version: count,
    name: z.string(),
    avatar: z.optional(bytes),
    /** Sealed for this version; uploaded byte for byte until the server has it, since another text under one version is a conflict. */
    sealed: z.optional(bytes),
  }),
)
export type OwnProfileRecord = ReturnType<typeof record.decode>

export const readOwnProfile = (reader: Reader): Promise<OwnProfileRecord | undefined> => record.read(reader, KEYS.profile)
/** For the way to a linked device. */
export const encodeOwnProfile = record.encode
export const decodeOwnProfile = record.decode
export const writeOwnProfile = (tx: Transaction, value: OwnProfileRecord): void => record.write(tx, KEYS.profile, value)

/** What is inside the encryption of a profile. */
const content = defineRecord('profile content', z.looseObject({ name: z.string(), avatar: z.optional(bytes) }))
export const encodeProfile = content.encode
export const decodeProfile = content.decode
