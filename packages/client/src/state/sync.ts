import type { DeviceId } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { KEYS, keyOf, PREFIX } from './keys.js'
import { count, defineRecord } from './record.js'

/** What the own devices have to be told, and from when what they know is. */
const due = defineRecord('sync due', z.looseObject({}))
const stamp = defineRecord('sync stamp', z.looseObject({ at: count, by: count }))
const everything = defineRecord('sync everything', z.looseObject({ kind: z.string(), after: z.string() }))
const ahead = defineRecord('read ahead', z.looseObject({ at: count }))

/** Milliseconds since 1970 and the device: of two values the one with the later stamp counts. */
export interface Stamp {
  readonly at: number
  readonly by: number
}
export interface DueRow {
  readonly row: string
  readonly kind: string
  readonly key: string
}

const split = (row: string): DueRow => {
  const [kind = '', ...rest] = row.slice(PREFIX.syncDue.length).split('/')
  return { row, kind, key: rest.join('/') }
}

export const writeDue = (tx: Transaction, kind: string, key: string): void => due.write(tx, keyOf.syncDue(kind, key), {})
export const isDue = async (tx: Transaction, kind: string, key: string): Promise<boolean> => (await tx.get(keyOf.syncDue(kind, key))) !== undefined
export const listDue = async (reader: Reader, limit: number): Promise<DueRow[]> => (await reader.list(PREFIX.syncDue, { limit })).map(({ key }) => split(key))

export const readStamp = (reader: Reader, kind: string, key: string): Promise<Stamp | undefined> => stamp.read(reader, keyOf.syncStamp(kind, key))
export const writeStamp = (tx: Transaction, { kind, key }: Pick<DueRow, 'kind' | 'key'>, value: Stamp): void =>
  stamp.write(tx, keyOf.syncStamp(kind, key), { ...value })

/** How far everything has been told to a device: the kind, and the last of its keys. */
export interface Everything {
  readonly device: DeviceId
  readonly kind: string
  readonly after: string
}
export const writeEverything = (tx: Transaction, { device, kind, after }: Everything): void => everything.write(tx, keyOf.syncAll(device), { kind, after })
export const deleteEverything = (tx: Transaction, device: DeviceId): void => tx.delete(keyOf.syncAll(device))
export async function nextEverything(reader: Reader): Promise<Everything | undefined> {
  const [entry] = await reader.list(PREFIX.syncAll, { limit: 1 })
  return entry && { device: Number(entry.key.slice(PREFIX.syncAll.length)) as DeviceId, ...everything.decode(entry.value) }
}

/** This device is new and asks the others for everything. */
export const writeWant = (tx: Transaction): void => due.write(tx, KEYS.syncWant, {})
export const isWanting = async (reader: Reader): Promise<boolean> => (await due.read(reader, KEYS.syncWant)) !== undefined

/** Read on another device, and not here yet. */
export const writeReadAhead = (tx: Transaction, row: string, at: number): void => ahead.write(tx, row, { at })
export const readAheadAt = (value: Uint8Array): number => ahead.decode(value).at
