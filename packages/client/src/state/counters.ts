import * as z from 'zod/mini'
import type { Transaction } from './database.js'
import { KEYS } from './keys.js'
import { count, defineRecord } from './record.js'

const record = defineRecord('counters', z.looseObject({ outbox: count, log: count, alert: z.optional(count) }))

/** The next number of a local sequence; ascending, never given twice. */
export async function nextCounter(tx: Transaction, name: 'outbox' | 'log' | 'alert'): Promise<number> {
  const counters = (await record.read(tx, KEYS.counters)) ?? { outbox: 1, log: 1 }
  const next = counters[name] ?? 1
  record.write(tx, KEYS.counters, { ...counters, [name]: next + 1 })
  return next
}
