import { SecureChatError } from '@securechat/protocol'
import type { Bounds, CheckedCommit, StoredEntry } from '@securechat/storage'
import { begin, perform, type Steps, type Work } from './transaction.js'

/**
 * What lies in the object store: at each string key `{ v: version, b: bytes }`; at the number 0, which sorts before every string and is in no
 * range of them, the meta record.
 */
const META_KEY = 0
const FORMAT = 1

interface Meta {
  readonly format: typeof FORMAT
  /** Random, made with the database: tells a database from another one that took its place. */
  readonly id: string
  /** Version of the last commit. */
  readonly counter: number
}

/** IndexedDB's counts are u32, and 0 would mean all. */
const MOST = 0xffffffff

function metaFrom(value: unknown): Meta {
  if (typeof value !== 'object' || value === null) throw new SecureChatError('storage/corrupt', { detail: 'indexeddb meta' })
  const { format, id, counter } = value as Record<string, unknown>
  if (typeof format === 'number' && format > FORMAT) throw new SecureChatError('protocol/unsupported-version', { detail: 'indexeddb format' })
  if (format !== FORMAT || typeof id !== 'string' || !Number.isSafeInteger(counter) || (counter as number) < 0) {
    throw new SecureChatError('storage/corrupt', { detail: 'indexeddb meta' })
  }
  return { format, id, counter: counter as number }
}

function entryFrom(key: IDBValidKey, value: unknown): StoredEntry {
  const record = value as { v?: unknown; b?: unknown } | null
  if (typeof key !== 'string' || typeof record !== 'object' || record === null || !Number.isSafeInteger(record.v) || !(record.b instanceof Uint8Array)) {
    throw new SecureChatError('storage/corrupt', { detail: 'indexeddb record' })
  }
  return { key, value: record.b, version: record.v as number }
}

const optionalEntry = (key: string, value: unknown): StoredEntry | undefined => (value === undefined ? undefined : entryFrom(key, value))

const findId: Work<string | undefined> = {
  write: false,
  strict: false,
  steps: ({ store, when, done }) => when(store.get(META_KEY), (value: unknown) => done(value === undefined ? undefined : metaFrom(value).id)),
}

const makeId = (newId: string): Work<string> => ({
  write: true,
  strict: true,
  steps({ store, when, done }) {
    // Read again: another tab may have come first.
    when(store.get(META_KEY), (value: unknown) => {
      if (value !== undefined) {
        done(metaFrom(value).id)
        return
      }
      when(store.count(), (count) => {
        if (count > 0) throw new SecureChatError('storage/corrupt', { detail: 'indexeddb without meta' })
        store.put({ format: FORMAT, id: newId, counter: 0 } satisfies Meta, META_KEY)
        done(newId)
      })
    })
  },
})

/** The database's id, made at its first opening. */
export async function identify(database: IDBDatabase, newId: string): Promise<string> {
  const make = makeId(newId)
  return (await perform(begin(database, findId), findId)) ?? perform(begin(database, make), make)
}

export const readMany = (keys: readonly string[]): Work<(StoredEntry | undefined)[]> => ({
  write: false,
  strict: false,
  steps({ store, when, done }) {
    const entries: (StoredEntry | undefined)[] = []
    if (keys.length === 0) done(entries)
    keys.forEach((key, index) => {
      when(store.get(key), (value: unknown) => {
        entries[index] = optionalEntry(key, value)
        if (index === keys.length - 1) done(entries)
      })
    })
  },
})

export const readRange = ({ lower, lowerExclusive, upper, limit, reverse }: Bounds): Work<StoredEntry[]> => ({
  write: false,
  strict: false,
  steps: (steps) => (reverse ? readBackwards : readForwards)(steps, IDBKeyRange.bound(lower, upper, lowerExclusive, true), Math.min(limit, MOST)),
})

/** Two requests for any number of rows: a cursor takes one for each. */
function readForwards({ store, when, done }: Steps<StoredEntry[]>, range: IDBKeyRange, most: number): void {
  let keys: readonly IDBValidKey[] = []
  when(store.getAllKeys(range, most), (found) => {
    keys = found
  })
  when(store.getAll(range, most), (values: readonly unknown[]) => done(values.map((value, index) => entryFrom(keys[index] ?? META_KEY, value))))
}

/** `getAll` knows only one direction, so the end of a range takes a cursor; over keys, as far as the limit goes, and then `getAll`. */
function readBackwards(steps: Steps<StoredEntry[]>, range: IDBKeyRange, most: number): void {
  const { store, when, done } = steps
  if (most === MOST) {
    readForwards({ ...steps, done: (entries) => done(entries.reverse()) }, range, most)
    return
  }
  const request = store.openKeyCursor(range, 'prev')
  let first: IDBValidKey | undefined
  let last: IDBValidKey | undefined
  let count = 0
  when(request, (cursor) => {
    if (cursor && count < most) {
      last ??= cursor.key
      first = cursor.key
      if (++count < most) {
        cursor.continue()
        return
      }
    }
    if (count === 0) done([])
    else readForwards({ ...steps, done: (entries) => done(entries.reverse()) }, IDBKeyRange.bound(first, last), count)
  })
}

/** Gives the commit's version. Expectations are read and checked in the transaction that writes, so nothing can come in between. */
export const writeCommit = ({ writes, expect, strict }: CheckedCommit): Work<number> => ({
  write: writes.size > 0,
  strict,
  steps({ store, when, done }) {
    for (const { key, version } of expect) {
      when(store.get(key), (value: unknown) => {
        if ((optionalEntry(key, value)?.version ?? null) !== version) throw new SecureChatError('storage/conflict')
      })
    }
    // Requests are answered in their order: when this one is, every expectation has held.
    when(store.get(META_KEY), (value: unknown) => {
      const meta = metaFrom(value)
      if (writes.size === 0) {
        done(meta.counter)
        return
      }
      const version = meta.counter + 1
      for (const [key, bytes] of writes) {
        if (bytes === null) store.delete(key)
        else store.put({ v: version, b: bytes }, key)
      }
      store.put({ ...meta, counter: version } satisfies Meta, META_KEY)
      done(version)
    })
  },
})
