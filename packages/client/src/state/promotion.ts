import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { KEYS } from './keys.js'
import { count, defineRecord } from './record.js'

const record = defineRecord(
  'promotion',
  z.looseObject({
    /** The first manifest that flags another device, while this one still has the account key. */
    given: z.optional(count),
    /** The manifest that flags this device, which has just got the account key and has signed nothing with it yet. */
    taken: z.optional(count),
  }),
)
export type PromotionRecord = ReturnType<typeof record.decode>

export const readPromotion = (reader: Reader): Promise<PromotionRecord | undefined> => record.read(reader, KEYS.promotion)
export const writePromotion = (tx: Transaction, value: PromotionRecord): void => record.write(tx, KEYS.promotion, value)
