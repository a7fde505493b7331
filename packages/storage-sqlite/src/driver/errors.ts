import { type ErrorCode, SecureChatError } from '@securechat/protocol'

/** Primary result codes (https://www.sqlite.org/rescode.html) and what they mean to a caller. */
const PRIMARY: Readonly<Record<number, ErrorCode>> = {
  3: 'storage/unavailable', // PERM
  5: 'storage/locked', // BUSY
  6: 'storage/locked', // LOCKED
  8: 'storage/unavailable', // READONLY
  10: 'storage/unavailable', // IOERR
  11: 'storage/corrupt', // CORRUPT
  13: 'storage/full', // FULL
  14: 'storage/unavailable', // CANTOPEN
  15: 'storage/locked', // PROTOCOL: the WAL's locks were contended for too long
  19: 'storage/conflict', // CONSTRAINT
  23: 'storage/unavailable', // AUTH
  26: 'storage/corrupt', // NOTADB
}

const NAMES: Readonly<Record<string, number>> = {
  SQLITE_PERM: 3,
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_PROTOCOL: 15,
  SQLITE_CONSTRAINT: 19,
  SQLITE_AUTH: 23,
  SQLITE_NOTADB: 26,
}

/** better-sqlite3 gives 'SQLITE_BUSY_SNAPSHOT' as `code`, node:sqlite the extended number as `errcode`; both reduce to the primary code. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  const { errcode, code } = error as Error & { errcode?: unknown; code?: unknown }
  if (typeof errcode === 'number') return errcode & 0xff
  if (typeof code !== 'string') return undefined
  return NAMES[code] ?? NAMES[code.split('_').slice(0, 2).join('_')]
}

/** A typed error for what the database or the disk did; anything else (a mistake of the caller) as it is. */
export function sqlError(error: unknown): unknown {
  const primary = primaryCode(error)
  const code = primary === undefined ? undefined : PRIMARY[primary]
  return code ? new SecureChatError(code, { detail: 'sqlite', cause: error }) : error
}

/** Runs an engine's call with its errors translated. */
export function translated<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw sqlError(error)
  }
}
