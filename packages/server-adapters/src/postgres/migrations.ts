import { isSecureChatError, SecureChatError } from '@securechat/protocol'
import { type AppliedMigration, checksumOf, compareMigrations, type Migration, type MigrationReport, type MigrationRun } from '../migrations/plan.js'
import { sqlState, storeError } from './errors.js'
import type { PostgresClient, PostgresPool } from './pool.js'
import { MIGRATIONS } from './schema.js'
import { resultTypes } from './types.js'

/** "SC1M": one migration at a time in a database, whichever node or person began it. */
const LOCK = 0x5343314d
/** Milliseconds that a migration waits for a lock that a running server holds, and for another one to end. */
const LOCK_TIMEOUT_MS = 60_000
const MINIMUM_VERSION = 150_000

export interface PostgresMigrations {
  /** Changes nothing. */
  check(): Promise<MigrationReport>
  /**
   * Applies what is pending, each step in a transaction of its own behind an advisory lock: nodes that start together wait for one another. With
   * `dryRun` the steps run in one transaction that is rolled back. Throws `storage/corrupt` for an altered database, `protocol/unsupported-version` for
   * a PostgreSQL below 15; a database that is ahead is left alone.
   */
  migrate(options?: { readonly dryRun?: boolean }): Promise<MigrationRun>
}

const ignore = (): void => {}

/** A schema's name stands in statements as it is. */
export function requireSchemaName(schema: string): string {
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(schema)) throw new SecureChatError('client/invalid-argument', { detail: 'schema: letters a-z, digits and _, at most 40' })
  return schema
}

export function postgresMigrations({ pool, schema = 'securechat' }: { readonly pool: PostgresPool; readonly schema?: string }): PostgresMigrations {
  return migrationsOf({ pool, schema: requireSchemaName(schema), known: MIGRATIONS })
}

export function migrationsOf({
  pool,
  schema,
  known,
}: {
  readonly pool: PostgresPool
  readonly schema: string
  readonly known: readonly Migration[]
}): PostgresMigrations {
  const query = async <Row>(client: PostgresClient, text: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query({ text: text.replaceAll('{s}', schema), values, types: resultTypes })).rows as Row[]

  const readApplied = async (client: PostgresClient): Promise<AppliedMigration[]> => {
    const [table] = await query<{ there: boolean }>(client, `SELECT to_regclass('{s}.migrations') IS NOT NULL AS there`)
    return table?.there ? query<AppliedMigration>(client, 'SELECT version, name, checksum, compatible FROM {s}.migrations ORDER BY version') : []
  }
  const apply = async (client: PostgresClient, version: number): Promise<string> => {
    const migration = known[version - 1]!
    // Several statements in one text: the simple protocol, so without parameters.
    await client.query({ text: migration.sql.replaceAll('{s}', schema) })
    await query(client, 'INSERT INTO {s}.migrations (version, name, checksum, compatible) VALUES ($1, $2, $3, $4)', [
      version,
      migration.name,
      checksumOf(migration),
      migration.compatible,
    ])
    return migration.name
  }
  const begin = async (client: PostgresClient): Promise<void> => {
    await query(client, 'BEGIN')
    await query(client, `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
    await query(client, `SELECT pg_advisory_xact_lock(${LOCK}, hashtext($1))`, [schema])
  }
  const prepare = async (client: PostgresClient): Promise<void> => {
    await query(client, 'CREATE SCHEMA IF NOT EXISTS {s}')
    await query(
      client,
      'CREATE TABLE IF NOT EXISTS {s}.migrations (version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, compatible boolean NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
    )
  }
  /** The next step, or all that follow when they are rolled back. */
  const step = async (client: PostgresClient, all: boolean): Promise<string[]> => {
    const report = compareMigrations(known, await readApplied(client))
    if (report.state === 'altered') throw new SecureChatError('storage/corrupt', { detail: 'an applied migration has another checksum' })
    if (report.state !== 'pending') return []
    await prepare(client)
    const applied: string[] = []
    for (let version = report.version + 1; version <= (all ? known.length : report.version + 1); version++) applied.push(await apply(client, version))
    return applied
  }
  const inClient = async <T>(work: (client: PostgresClient) => Promise<T>): Promise<T> => {
    let client: PostgresClient
    try {
      client = await pool.connect()
    } catch (error) {
      throw storeError(error)
    }
    client.on('error', ignore)
    let failed = false
    try {
      return await work(client)
    } catch (error) {
      failed = true
      throw migrationError(error)
    } finally {
      client.off('error', ignore)
      // Ended with its transaction and locks, whatever state it is in.
      client.release(failed)
    }
  }

  return {
    check: () => inClient(async (client) => compareMigrations(known, await readApplied(client))),
    migrate: ({ dryRun = false } = {}) =>
      inClient(async (client) => {
        const [server] = await query<{ version: number }>(client, `SELECT current_setting('server_version_num')::int AS version`)
        if (!server || server.version < MINIMUM_VERSION)
          throw new SecureChatError('protocol/unsupported-version', { detail: 'PostgreSQL 15 or newer is needed' })
        const applied: string[] = []
        for (;;) {
          await begin(client)
          const names = await step(client, dryRun)
          await query(client, dryRun ? 'ROLLBACK' : 'COMMIT')
          applied.push(...names)
          if (dryRun || names.length === 0) break
        }
        return { applied, report: compareMigrations(known, await readApplied(client)) }
      }),
  }
}

/** Schema statements quote no contents, so their SQLSTATE and the place may be told. */
function migrationError(error: unknown): unknown {
  if (isSecureChatError(error)) return error
  const state = sqlState(error)
  return state && /^[0-9A-Z]{5}$/.test(state) ? new SecureChatError('server/unavailable', { detail: `migration failed: postgres ${state}` }) : storeError(error)
}
