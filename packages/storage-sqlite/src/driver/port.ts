/** What a column or parameter can be. Integers come out as numbers; one beyond 2^53 − 1 is an error, never a rounded number. */
export type SqlValue = string | number | bigint | Uint8Array | null
export type SqlRow = Record<string, SqlValue>

export interface SqlChanges {
  /** Rows inserted, changed or deleted by the statement itself. */
  readonly changes: number
  readonly lastInsertRowid: number | bigint
}

/** A compiled statement with positional parameters (`?`). Values are copied in and out. */
export interface SqlStatement<Row = SqlRow> {
  run(...parameters: readonly SqlValue[]): SqlChanges
  /** The first row; undefined if there is none. */
  get(...parameters: readonly SqlValue[]): Row | undefined
  all(...parameters: readonly SqlValue[]): Row[]
}

export type SqlEngine = 'better-sqlite3' | 'node:sqlite'

/**
 * One connection to one SQLite file; synchronous. Both engines behave alike. Keep a reference to it: the garbage collector closes a connection
 * that nothing refers to, and rolls back what it had begun.
 *
 * Errors are `SecureChatError`: `storage/locked` busy longer than the busy timeout; `storage/full` disk or quota; `storage/corrupt` damaged,
 * or no database at all; `storage/conflict` a constraint is violated; `storage/unavailable` unreadable, read-only or another I/O error;
 * `storage/closed` after `close`. A mistake in the SQL or its parameters is thrown as the engine throws it.
 */
export interface SqlDriver {
  readonly engine: SqlEngine
  /** Runs statements without parameters or results. */
  exec(sql: string): void
  /** To be kept and used again; it dies with the connection. */
  prepare<Row = SqlRow>(sql: string): SqlStatement<Row>
  /**
   * Runs `body` between BEGIN and COMMIT; whatever it throws rolls everything back and is thrown on. immediate (default) takes the write lock
   * at once, so that nothing changes between the body's reads and writes, in any process; deferred is for reads of one state.
   * Not nestable, and `body` must not return a promise: `client/invalid-argument`, rolled back.
   */
  transaction<T>(body: () => T, mode?: 'immediate' | 'deferred'): T
  /** Idempotent. */
  close(): void
}

export interface OpenDatabaseOptions {
  /** Milliseconds a call waits, blocking the thread, for another connection's lock before `storage/locked`. Default 2,000. */
  readonly busyTimeoutMs?: number
  /** full (default): a commit is on the disk when the call returns. normal: a power cut may undo the last commits; nothing is damaged. */
  readonly synchronous?: 'full' | 'normal'
  /** Overwrite deleted content with zeros. Default false. */
  readonly secureDelete?: boolean
  /** Default: better-sqlite3 if it can be loaded, else node:sqlite (Node ≥ 22.13). */
  readonly engine?: SqlEngine
}
