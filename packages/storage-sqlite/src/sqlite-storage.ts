import { type Clock, isSecureChatError, SecureChatError, systemClock } from '@securechat/protocol'
import {
  type Bounds,
  boundsOf,
  type CheckedCommit,
  type ClientStorage,
  checkCommit,
  checkKey,
  checkKeys,
  createWatchHub,
  type StoredEntry,
} from '@securechat/storage'
import { openDatabase, type SqlDriver, type SqlEngine } from './driver/index.js'
import { prepareSchema } from './schema.js'

export interface SqliteStorageOptions {
  /** The file; made with its folder if absent, mode 0600. ':memory:' for a store that dies with its process. */
  readonly path: string
  /** Milliseconds a call waits, blocking the thread, for another process' commit before `storage/locked`. Default 2,000. */
  readonly busyTimeoutMs?: number
  /** Milliseconds between two looks for commits of other processes; only while somebody watches. Default 250. */
  readonly watchIntervalMs?: number
  readonly engine?: SqlEngine
  /** Timers of `watch`. */
  readonly clock?: Clock
}

const WATCH_INTERVAL_MS = 250
/** `LIMIT -1` is no limit. */
const NO_LIMIT = -1

/**
 * A client store in one SQLite file (WAL). Throws at once if it cannot be opened: `storage/unavailable`, `storage/locked`, `storage/full`,
 * `storage/corrupt` (damaged, or a database of something else), `protocol/unsupported-version`.
 *
 * - `durability: 'strict'` is `synchronous = FULL`: the WAL is synced before the promise resolves. 'relaxed' is NORMAL.
 * - Several instances and processes may open one file; commits with their expectations are atomic between them (BEGIN IMMEDIATE).
 * - `watch` sees this instance's commits at once. Commits of other instances or processes it sees by polling `PRAGMA data_version`, at most
 *   `watchIntervalMs` later, and reports them with an empty list to every listener, whatever they touched. The timer does not keep a process alive.
 * - Deleted values are overwritten in the file (`secure_delete`); copies in the WAL last until its next checkpoint.
 */
export function sqliteStorage(options: SqliteStorageOptions): ClientStorage {
  const { path, busyTimeoutMs, engine, ...rest } = options
  const { watchIntervalMs } = rest
  if (watchIntervalMs !== undefined && (!Number.isSafeInteger(watchIntervalMs) || watchIntervalMs < 1)) {
    throw new SecureChatError('client/invalid-argument', { detail: 'sqlite watchIntervalMs' })
  }
  const driver = openDatabase(path, {
    secureDelete: true,
    ...(busyTimeoutMs === undefined ? {} : { busyTimeoutMs }),
    ...(engine === undefined ? {} : { engine }),
  })
  try {
    return sqliteStorageOver(driver, rest)
  } catch (error) {
    driver.close()
    throw error
  }
}

/** The same over a connection, which then belongs to the store. */
export function sqliteStorageOver(driver: SqlDriver, options: Pick<SqliteStorageOptions, 'watchIntervalMs' | 'clock'>): ClientStorage {
  const { watchIntervalMs = WATCH_INTERVAL_MS, clock = systemClock } = options
  prepareSchema(driver)
  const rows = createRows(driver)
  const poll = pollOthers(driver, { clock, intervalMs: watchIntervalMs, onChange: () => hub.touchedUnknown() })
  const hub = createWatchHub((size) => (size > 0 ? poll.start() : poll.stop()))
  let closed = false
  const ensureOpen = (): void => {
    if (closed) throw new SecureChatError('storage/closed')
  }

  return {
    async get(key) {
      ensureOpen()
      checkKey(key)
      return rows.get(key)
    },
    async getMany(keys) {
      ensureOpen()
      const checked = checkKeys(keys)
      return driver.transaction(() => checked.map(rows.get), 'deferred')
    },
    async list(prefix, range) {
      ensureOpen()
      const bounds = boundsOf(prefix, range)
      return bounds ? rows.list(bounds) : []
    },
    async commit(writes, commitOptions) {
      ensureOpen()
      const checked = checkCommit(writes, commitOptions)
      const version = rows.commit(checked)
      hub.touched(checked.writes.keys())
      return { version }
    },
    watch(prefix, listener) {
      ensureOpen()
      return hub.watch(prefix, listener)
    },
    async close() {
      if (closed) return
      closed = true
      hub.close()
      driver.close()
    },
  }
}

interface Rows {
  readonly get: (key: string) => StoredEntry | undefined
  list(bounds: Bounds): StoredEntry[]
  /** Returns the commit's version. */
  commit(commit: CheckedCommit): number
}

function createRows(driver: SqlDriver): Rows {
  const select = driver.prepare<StoredEntry>('SELECT key, value, version FROM entries WHERE key = ?')
  const selectVersion = driver.prepare<{ version: number }>('SELECT version FROM entries WHERE key = ?')
  const listing = (comparison: '>' | '>=', order: 'ASC' | 'DESC') =>
    driver.prepare<StoredEntry>(`SELECT key, value, version FROM entries WHERE key ${comparison} ? AND key < ? ORDER BY key ${order} LIMIT ?`)
  const listings = {
    ascending: listing('>=', 'ASC'),
    ascendingAfter: listing('>', 'ASC'),
    descending: listing('>=', 'DESC'),
    descendingAfter: listing('>', 'DESC'),
  }
  const put = driver.prepare(
    'INSERT INTO entries (key, value, version) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version',
  )
  const remove = driver.prepare('DELETE FROM entries WHERE key = ?')
  const counter = driver.prepare<{ counter: number }>('SELECT counter FROM meta WHERE id = 1')
  const setCounter = driver.prepare('UPDATE meta SET counter = ? WHERE id = 1')
  let synced = true

  const setSynced = (strict: boolean): void => {
    if (strict === synced) return
    // Between transactions only; a strict commit's sync covers the relaxed ones before it, which are earlier in the same WAL.
    driver.exec(`PRAGMA synchronous = ${strict ? 'FULL' : 'NORMAL'}`)
    synced = strict
  }

  return {
    get: (key) => select.get(key),
    list({ lower, lowerExclusive, upper, limit, reverse }) {
      const statement = reverse
        ? lowerExclusive
          ? listings.descendingAfter
          : listings.descending
        : lowerExclusive
          ? listings.ascendingAfter
          : listings.ascending
      return statement.all(lower, upper, limit === Infinity ? NO_LIMIT : limit)
    },
    commit({ writes, expect, strict }) {
      setSynced(strict)
      const body = (): number => {
        for (const { key, version } of expect) {
          if ((selectVersion.get(key)?.version ?? null) !== version) throw new SecureChatError('storage/conflict')
        }
        const last = counter.get()?.counter
        if (last === undefined) throw new SecureChatError('storage/corrupt', { detail: 'commit counter' })
        if (writes.size === 0) return last
        const version = last + 1
        for (const [key, value] of writes) {
          if (value === null) remove.run(key)
          else put.run(key, value, version)
        }
        setCounter.run(version)
        return version
      }
      return driver.transaction(body, writes.size === 0 ? 'deferred' : 'immediate')
    },
  }
}

interface Poll {
  start(): void
  stop(): void
}

/** `data_version` changes when another connection has committed, and never by this one's own commits. */
function pollOthers(driver: SqlDriver, { clock, intervalMs, onChange }: { clock: Clock; intervalMs: number; onChange: () => void }): Poll {
  const dataVersion = driver.prepare<{ data_version: number }>('PRAGMA data_version')
  let cancel: (() => void) | undefined
  let seen: number | undefined
  /** undefined: it cannot be read now. The listeners are woken for that too: they read, and so learn of it by a typed error. */
  const current = (): number | undefined => {
    try {
      return dataVersion.get()?.data_version
    } catch (error) {
      if (isSecureChatError(error)) return undefined
      throw error
    }
  }
  const look = (): void => {
    const now = current()
    if (now !== seen) {
      seen = now
      onChange()
    }
    if (cancel) cancel = clock.after(intervalMs, look)
  }
  return {
    start() {
      if (cancel) return
      seen = current()
      cancel = clock.after(intervalMs, look)
    },
    stop() {
      cancel?.()
      cancel = undefined
    },
  }
}
