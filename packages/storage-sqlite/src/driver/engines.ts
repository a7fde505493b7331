import { SecureChatError } from '@securechat/protocol'
import type BetterSqlite3 from 'better-sqlite3'
import type { SqlChanges, SqlEngine, SqlRow, SqlValue } from './port.js'

/** What both engines have in common; errors are their own. */
export interface RawStatement {
  run(...parameters: readonly SqlValue[]): SqlChanges
  get(...parameters: readonly SqlValue[]): unknown
  all(...parameters: readonly SqlValue[]): unknown[]
}
export interface RawDatabase {
  exec(sql: string): unknown
  prepare(sql: string): RawStatement
  close(): void
}
export interface Engine {
  readonly name: SqlEngine
  open(path: string): RawDatabase
  /** Makes the engine's row a plain one. */
  row(raw: unknown): SqlRow
}

/** Loads CommonJS packages from both of this package's formats, and only when asked: importing it must work where the engine is missing. */
function load(name: string): unknown {
  const { createRequire } = process.getBuiltinModule('node:module')
  return createRequire(typeof __filename === 'string' ? __filename : import.meta.url)(name)
}

const UNSAFE = (): never => {
  throw new SecureChatError('storage/corrupt', { detail: 'integer beyond 2^53' })
}

function betterSqlite3(): Engine {
  const Database = load('better-sqlite3') as typeof BetterSqlite3
  // The native part is loaded by the first connection, so that is what tells whether it works here.
  new Database(':memory:').close()
  return {
    name: 'better-sqlite3',
    open: (path) => {
      const database = new Database(path)
      // Otherwise integers beyond 2^53 would be rounded silently.
      database.defaultSafeIntegers(true)
      return database as unknown as RawDatabase
    },
    row(raw) {
      const row = raw as SqlRow
      for (const name in row) {
        const value = row[name]
        if (typeof value === 'bigint') row[name] = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : UNSAFE()
        else if (Buffer.isBuffer(value)) row[name] = new Uint8Array(value)
      }
      return row
    },
  }
}

interface NodeSqlite {
  DatabaseSync: new (path: string) => RawDatabase
}

function nodeSqlite(): Engine {
  const sqlite = process.getBuiltinModule('node:sqlite') as unknown as NodeSqlite | undefined
  if (!sqlite) throw new Error('this Node has no node:sqlite')
  return {
    name: 'node:sqlite',
    open: (path) => new sqlite.DatabaseSync(path),
    // Its rows have no prototype.
    row: (raw) => ({ ...(raw as SqlRow) }),
  }
}

const LOADERS: Readonly<Record<SqlEngine, () => Engine>> = { 'better-sqlite3': betterSqlite3, 'node:sqlite': nodeSqlite }

/** The one line that helps. */
const HELP = 'no SQLite engine: `npm install better-sqlite3@12.11.1` (compiles: needs a C++ compiler, make and Python), or use Node 22.13 or later'

/** The wanted engine, or the first that works. Throws `storage/unavailable` with the line that helps; the causes are in `cause`. */
export function loadEngine(wanted?: SqlEngine, loaders: Readonly<Record<SqlEngine, () => Engine>> = LOADERS): Engine {
  const causes: unknown[] = []
  for (const name of wanted ? [wanted] : (['better-sqlite3', 'node:sqlite'] as const)) {
    try {
      return loaders[name]()
    } catch (error) {
      causes.push(error)
    }
  }
  throw new SecureChatError('storage/unavailable', { detail: HELP, cause: new AggregateError(causes) })
}
