import { type Logger, SecureChatError, silentLogger } from '@securechat/protocol'
import type { ServerStore } from '@securechat/server'
import { requireUsable } from '../migrations/plan.js'
import { createAccountRows } from './account-rows.js'
import { postgresAccounts } from './accounts.js'
import { postgresArchives } from './archives.js'
import { createDatabase } from './database.js'
import { createDevices } from './devices.js'
import { postgresLinks } from './links.js'
import { createPhoneLock, postgresLogins } from './logins.js'
import { createMailboxReader } from './mailbox-reader.js'
import { createMailboxWriter } from './mailbox-writer.js'
import { postgresMigrations, requireSchemaName } from './migrations.js'
import type { PostgresPool } from './pool.js'
import { postgresPreKeys } from './prekeys.js'
import { postgresSessions } from './sessions.js'
import { postgresSweep } from './sweep.js'

export interface PostgresStoreOptions {
  /**
   * A `pg.Pool` of your own: the store neither makes nor ends it. Three of its connections are busy with mailboxes under load; set
   * `connectionTimeoutMillis`, so that a database that is gone is an error and not a wait.
   */
  readonly pool: PostgresPool
  /** Where the tables are. Default: `securechat`. Two servers can share a database in two schemas. */
  readonly schema?: string
  /**
   * apply (default): what is pending is applied before the first call; nodes that start together wait for one another. require: calls reject with
   * `server/unavailable` until somebody has applied it (`postgresMigrations`).
   */
  readonly migrations?: 'apply' | 'require'
  /** Milliseconds that sends are gathered before they are stored together. Default: 2. 0: not at all, which costs a core at 5,000 sends a second. */
  readonly lingerMs?: number
  /** Milliseconds after which a statement is given up. Default: 10,000. */
  readonly statementTimeoutMs?: number
  /** Default: silent. */
  readonly logger?: Logger
}

/**
 * The store of several nodes: PostgreSQL 15 or newer. Every promise resolves after the commit, with `synchronous_commit` on whatever the database's default
 * is. Where the connection breaks during a commit it is unknown whether that happened: the call rejects with `server/unavailable`, and asking again
 * with the same ids tells.
 */
export function postgresStore({
  pool,
  schema = 'securechat',
  migrations = 'apply',
  lingerMs = 2,
  statementTimeoutMs = 10_000,
  logger = silentLogger,
}: PostgresStoreOptions): ServerStore {
  requireSchemaName(schema)
  const steps = postgresMigrations({ pool, schema })
  const prepare = async (): Promise<void> => {
    const report = await steps.check()
    if (migrations === 'require' || report.state !== 'pending') return requireUsable(report)
    const { applied, report: after } = await steps.migrate()
    logger.info('migrated', { steps: applied.length })
    requireUsable(after)
  }
  const database = createDatabase({ pool, schema, timeoutMs: statementTimeoutMs, prepare })
  const onError = (): void => logger.warn('database-connection-lost')
  // Of connections that nobody uses at the moment; without a listener it would end the process.
  pool.on('error', onError)

  const lockPhone = createPhoneLock(database)
  const devices = createDevices(database)
  const accounts = createAccountRows(database)
  const preKeys = postgresPreKeys(database, devices)
  const writer = createMailboxWriter(database, { lingerMs })
  const reader = createMailboxReader(database)
  const keep = database.statement('keep', 'INSERT INTO {s}.kept (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING')
  const kept = database.statement<{ value: Uint8Array }>('kept', 'SELECT value FROM {s}.kept WHERE name = $1')
  /** An assigned transaction id is what a read-only standby or a full disk cannot give. */
  const probe = database.statement('probe', 'SELECT pg_current_xact_id() FROM {s}.migrations LIMIT 1')
  let closing: Promise<void> | undefined

  const close = async (): Promise<void> => {
    await writer.close()
    await reader.close()
    await database.close()
    pool.off('error', onError)
  }
  return {
    exclusive: false,
    consecutive: true,
    ...postgresLogins(database, accounts, lockPhone),
    ...postgresLinks(database),
    ...postgresArchives(database, accounts),
    ...postgresAccounts(database, { accounts, devices, publish: preKeys.publish, lockPhone }),
    ...postgresSessions(database),
    ...preKeys.store,
    append: (send) => writer.append(send),
    readMailbox: (query) => reader.read(query),
    acknowledge: (accountId, deviceId, upTo) => writer.acknowledge({ accountId, deviceId, upTo }),
    sweep: postgresSweep(database),
    async keepOnce(name, value) {
      await database.transaction((session) => session.run(keep, name, value))
      const row = await database.row(kept, name)
      if (!row) throw new SecureChatError('server/internal', { detail: 'kept value' })
      return row.value
    },
    check: () => database.transaction(async (session) => void (await session.rows(probe))),
    close() {
      closing ??= close()
      return closing
    },
  }
}
