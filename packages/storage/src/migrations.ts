import { isSecureChatError, readU32, SecureChatError, u32 } from '@securechat/protocol'
import { type ClientStorage, type Expectation, STORAGE_LIMITS, type StorageReader, type StoredEntry, type Write } from './port.js'

/** The row that holds the version of the stored format: u32, big-endian. */
export const FORMAT_KEY = '!format'
/** Rows that wrappers keep for themselves begin with it; they do not make a store "used". */
const RESERVED_PREFIX = '!'
/** The greatest key under it. */
const LAST_RESERVED = RESERVED_PREFIX.padEnd(STORAGE_LIMITS.keyCharacters, '\x7e')
const TRIES = 8

export interface Migration {
  /** The format version that this step leads to, from the one before it. */
  readonly to: number
  /**
   * Reads the old rows and returns the writes that make them new ones. Pure otherwise: it may run again, when a row that it read was changed
   * meanwhile or the process died before the commit. Its writes, the new version and the check that nothing it read has changed are one commit.
   */
  migrate(read: StorageReader): Promise<readonly Write[]> | readonly Write[]
}

export interface MigrationResult {
  /** undefined: the store was empty. */
  readonly from: number | undefined
  readonly to: number
}

/** A reader that writes down at which version it saw each row. */
function trackingReader(storage: StorageReader): { reader: StorageReader; seen: ReadonlyMap<string, Expectation> } {
  const seen = new Map<string, Expectation>()
  const note = (key: string, entry: StoredEntry | undefined): void => {
    // The first sight counts: a row that changed between two reads must conflict.
    if (!seen.has(key)) seen.set(key, { key, version: entry?.version ?? null })
  }
  const reader: StorageReader = {
    async get(key) {
      const entry = await storage.get(key)
      note(key, entry)
      return entry
    },
    async getMany(keys) {
      const entries = await storage.getMany(keys)
      keys.forEach((key, index) => {
        note(key, entries[index])
      })
      return entries
    },
    async list(prefix, range) {
      const entries = await storage.list(prefix, range)
      for (const entry of entries) note(entry.key, entry)
      return entries
    },
  }
  return { reader, seen }
}

function checkOrder(migrations: readonly Migration[]): { first: number; last: number } {
  const first = migrations[0]?.to
  if (first === undefined || !Number.isSafeInteger(first) || first < 1 || migrations.some((step, index) => step.to !== first + index)) {
    throw new SecureChatError('client/invalid-argument', { detail: 'migrations must be numbered one after the other' })
  }
  return { first, last: first + migrations.length - 1 }
}

function versionIn(row: StoredEntry | undefined): number {
  if (!row) return 0
  if (row.value.length !== 4) throw new SecureChatError('storage/corrupt', { detail: 'format version' })
  return readU32(row.value, 0)
}

/**
 * Brings the stored format to the last of `migrations`, step by step, each one commit: a process that dies in between continues where it
 * stopped, and of two that start at once each step is done by one. An empty store gets the last version at once. A used store without a
 * version row counts as version 0.
 *
 * Throws `protocol/unsupported-version` if the store is newer than the last step or older than the first can start from, and then changes
 * nothing; `storage/conflict` if others keep changing the rows; `storage/corrupt` for a version row that is none.
 */
export async function migrateStorage(storage: ClientStorage, migrations: readonly Migration[]): Promise<MigrationResult> {
  const { first, last } = checkOrder(migrations)
  let from: number | undefined
  let started = false
  for (let left = TRIES + migrations.length; left > 0; left--) {
    const row = await storage.get(FORMAT_KEY)
    const version = versionIn(row)
    const empty = !row && (await isUnused(storage))
    if (!started) {
      from = empty ? undefined : version
      started = true
    }
    if (version === last) return { from, to: last }
    if (version > last || (!empty && version < first - 1)) throw new SecureChatError('protocol/unsupported-version', { detail: 'stored format' })
    const { reader, seen } = trackingReader(storage)
    const writes = empty ? [] : await migrations[version + 1 - first]!.migrate(reader)
    const next = empty ? last : version + 1
    const expect = [...seen.values()].filter((expectation) => expectation.key !== FORMAT_KEY)
    expect.push({ key: FORMAT_KEY, version: row?.version ?? null })
    try {
      await storage.commit([...writes, { put: FORMAT_KEY, value: u32(next) }], { expect })
    } catch (error) {
      if (!isSecureChatError(error, 'storage/conflict')) throw error
    }
  }
  throw new SecureChatError('storage/conflict', { detail: 'migrations' })
}

/** Nothing in it but what wrappers keep for themselves. */
async function isUnused(storage: ClientStorage): Promise<boolean> {
  const [before, after] = await Promise.all([storage.list('', { before: RESERVED_PREFIX, limit: 1 }), storage.list('', { after: LAST_RESERVED, limit: 1 })])
  return before.length === 0 && after.length === 0
}
