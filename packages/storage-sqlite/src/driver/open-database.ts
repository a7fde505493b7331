import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isSecureChatError, SecureChatError } from '@securechat/protocol'
import { type Engine, loadEngine, type RawDatabase } from './engines.js'
import { sqlError, translated } from './errors.js'
import type { OpenDatabaseOptions, SqlDriver, SqlRow, SqlStatement, SqlValue } from './port.js'

const BUSY_TIMEOUT_MS = 2_000
const IN_MEMORY = ':memory:'

/** A typed error for what the file system did. */
function fileError(cause: unknown): SecureChatError {
  const code = (cause as NodeJS.ErrnoException).code
  return new SecureChatError(code === 'ENOSPC' || code === 'EDQUOT' ? 'storage/full' : 'storage/unavailable', { detail: 'sqlite file', cause })
}

/**
 * Makes a missing file empty and for its owner only; SQLite gives its -wal and -shm files the same mode. A file that is there is not even opened:
 * closing it would drop the POSIX locks that another connection of this process holds on it (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
 */
function createFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'wx', 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(cause)
  }
}

/** For files that were made by somebody else, after SQLite has found them to be a database. */
function restrictMode(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError(cause)
    }
  }
}

function configure(database: RawDatabase, { busyTimeoutMs = BUSY_TIMEOUT_MS, synchronous = 'full', secureDelete = false }: OpenDatabaseOptions): void {
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  // Two processes that open a new file at once: the change to WAL needs the file alone, and SQLite does not always wait for it.
  for (let left = 50; ; left--) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      break
    } catch (error) {
      const typed = sqlError(error)
      if (left === 0 || !isSecureChatError(typed, 'storage/locked')) throw typed
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
  // fullfsync: on macOS fsync alone leaves the data in the drive's cache.
  database.exec(`PRAGMA synchronous = ${synchronous === 'full' ? 'FULL' : 'NORMAL'}; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON`)
  database.exec(`PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ${secureDelete ? 'ON' : 'OFF'}`)
}

function checkOptions(path: string, { busyTimeoutMs, synchronous, engine }: OpenDatabaseOptions): void {
  const invalid = (detail: string): never => {
    throw new SecureChatError('client/invalid-argument', { detail })
  }
  if (typeof path !== 'string' || path === '' || path.includes('\0')) invalid('sqlite path')
  if (busyTimeoutMs !== undefined && (!Number.isSafeInteger(busyTimeoutMs) || busyTimeoutMs < 0)) invalid('sqlite busyTimeoutMs')
  if (synchronous !== undefined && synchronous !== 'full' && synchronous !== 'normal') invalid('sqlite synchronous')
  if (engine !== undefined && engine !== 'better-sqlite3' && engine !== 'node:sqlite') invalid('sqlite engine')
}

/**
 * Opens a file (mode 0600, made with its folder if absent) or ':memory:' in WAL mode with foreign keys on.
 * WAL needs shared memory: not on network file systems. Errors as in `SqlDriver`; `storage/unavailable` with the line that helps if no engine works.
 */
export function openDatabase(path: string, options: OpenDatabaseOptions = {}): SqlDriver {
  checkOptions(path, options)
  const engine = loadEngine(options.engine)
  if (path !== IN_MEMORY) createFile(path)
  const database = translated(() => engine.open(path))
  try {
    configure(database, options)
    if (path !== IN_MEMORY && process.platform !== 'win32') restrictMode(path)
  } catch (error) {
    database.close()
    throw sqlError(error)
  }
  return driverOver(engine, database)
}

function driverOver(engine: Engine, database: RawDatabase): SqlDriver {
  let open = true
  let inTransaction = false
  const guarded = <T>(call: () => T): T => {
    if (!open) throw new SecureChatError('storage/closed')
    return translated(call)
  }

  const rollBack = (): void => {
    try {
      database.exec('ROLLBACK')
    } catch (error) {
      // After FULL, IOERR and the like SQLite has rolled back by itself, and then there is nothing left to roll back (SQLITE_ERROR).
      if (sqlError(error) !== error) throw sqlError(error)
    }
  }

  return {
    engine: engine.name,
    exec: (sql) => guarded(() => void database.exec(sql)),
    prepare<Row = SqlRow>(sql: string): SqlStatement<Row> {
      const statement = guarded(() => database.prepare(sql))
      return {
        run: (...parameters: readonly SqlValue[]) =>
          guarded(() => {
            const { changes, lastInsertRowid } = statement.run(...parameters)
            return { changes: Number(changes), lastInsertRowid: Number.isSafeInteger(Number(lastInsertRowid)) ? Number(lastInsertRowid) : lastInsertRowid }
          }),
        get: (...parameters: readonly SqlValue[]) =>
          guarded(() => {
            const row = statement.get(...parameters)
            return row === undefined ? undefined : (engine.row(row) as Row)
          }),
        all: (...parameters: readonly SqlValue[]) => guarded(() => statement.all(...parameters).map((row) => engine.row(row) as Row)),
      }
    },
    transaction<T>(body: () => T, mode: 'immediate' | 'deferred' = 'immediate'): T {
      if (inTransaction) throw new SecureChatError('client/invalid-argument', { detail: 'nested sqlite transaction' })
      guarded(() => database.exec(mode === 'immediate' ? 'BEGIN IMMEDIATE' : 'BEGIN'))
      inTransaction = true
      try {
        const result = body()
        if (typeof (result as { then?: unknown } | undefined | null)?.then === 'function') {
          throw new SecureChatError('client/invalid-argument', { detail: 'sqlite transaction with a promise' })
        }
        guarded(() => database.exec('COMMIT'))
        return result
      } catch (error) {
        rollBack()
        throw error
      } finally {
        inTransaction = false
      }
    },
    close() {
      if (!open) return
      open = false
      translated(() => database.close())
    },
  }
}
