import type { AccountId, DeviceId } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { KEYS } from './keys.js'
import { bytes, defineRecord, id } from './record.js'

const lease = defineRecord(
  'lease',
  z.looseObject({
    /** Whose it is: a device that is registered anew in this store begins without one. */
    accountId: id<AccountId>(),
    deviceId: z.custom<DeviceId>((value) => typeof value === 'number'),
    /** The last one that the server has confirmed. */
    held: z.optional(bytes),
    /** Offered to the server, committed BEFORE that, so that a lost answer is asked for with the same bytes. */
    next: z.optional(bytes),
  }),
)
export type LeaseRecord = ReturnType<typeof lease.decode>

export const readLease = (reader: Reader): Promise<LeaseRecord | undefined> => lease.read(reader, KEYS.lease)
export const writeLease = (tx: Transaction, value: LeaseRecord): void => lease.write(tx, KEYS.lease, value)
