import { createHash } from 'node:crypto'
import { SecureChatError } from '@securechat/protocol'

/** One step of a database's schema. A published one is never changed; what it got wrong is mended by a later one. */
export interface Migration {
  readonly name: string
  readonly sql: string
  /** True: servers of the version before go on working with the database, so that nodes can be replaced one by one. */
  readonly compatible: boolean
}
/** As it stands in the database. */
export interface AppliedMigration {
  readonly version: number
  readonly name: string
  /** SHA-256 of the SQL, hexadecimal. */
  readonly checksum: string
  readonly compatible: boolean
}
/**
 * How a database stands to the migrations that this version of the package knows.
 * current: the same. pending: some are missing. ahead: a newer version has applied more. altered: one that was applied is not the one that is known.
 */
export interface MigrationReport {
  readonly state: 'current' | 'pending' | 'ahead' | 'altered'
  /** Migrations that are applied. */
  readonly version: number
  /** Names, in the order of application. */
  readonly pending: readonly string[]
  /** Applied and not known here. */
  readonly ahead: readonly string[]
  /** Applied with another content. */
  readonly altered: readonly string[]
  /** This version of the server can work with the database as it is: `current`, or `ahead` by compatible migrations only. */
  readonly usable: boolean
}
/** What `migrate` did; with `dryRun`, what it would do: the steps have been run and undone. */
export interface MigrationRun {
  readonly applied: readonly string[]
  readonly report: MigrationReport
}

export const checksumOf = ({ sql }: Migration): string => createHash('sha256').update(sql).digest('hex')

export function compareMigrations(known: readonly Migration[], applied: readonly AppliedMigration[]): MigrationReport {
  const altered = applied.filter(({ version, checksum }) => version <= known.length && checksumOf(known[version - 1]!) !== checksum).map(({ name }) => name)
  const newer = applied.filter(({ version }) => version > known.length)
  const pending = known.slice(applied.length).map(({ name }) => name)
  const state = altered.length > 0 ? 'altered' : newer.length > 0 ? 'ahead' : pending.length > 0 ? 'pending' : 'current'
  const usable = state === 'current' || (state === 'ahead' && newer.every(({ compatible }) => compatible))
  return { state, version: applied.length, pending, ahead: newer.map(({ name }) => name), altered, usable }
}

/** Throws `protocol/unsupported-version` for a database of a newer server, `storage/corrupt` for an altered one, `server/unavailable` for one that is to be migrated first. */
export function requireUsable({ state, usable }: MigrationReport): void {
  if (usable) return
  if (state === 'ahead') throw new SecureChatError('protocol/unsupported-version', { detail: 'database of a newer server' })
  if (state === 'altered') throw new SecureChatError('storage/corrupt', { detail: 'an applied migration has another checksum' })
  throw new SecureChatError('server/unavailable', { detail: 'migrations are pending' })
}
