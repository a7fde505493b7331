import { SecureChatError } from '@securechat/protocol'
import type { ServerStore } from '@securechat/server'
import { openDatabase, type SqlDriver } from '@securechat/storage-sqlite/driver'
import { requireUsable } from '../migrations/plan.js'
import { createAccountRows } from './account-rows.js'
import { sqliteAccounts } from './accounts.js'
import { sqliteArchives } from './archives.js'
import { createBatch } from './batch.js'
import { createDevices } from './devices.js'
import { sqliteLinks } from './links.js'
import { sqliteLogins } from './logins.js'
import { sqliteMailboxes } from './mailboxes.js'
import { applyMigrations } from './migrations.js'
import { own } from './own.js'
import { sqlitePreKeys } from './prekeys.js'
import { MIGRATIONS } from './schema.js'
import { sqliteSessions } from './sessions.js'
import { sqliteSweep } from './sweep.js'

export interface SqliteStoreOptions {
  /** The database file, created with its folder when absent (mode 0600), or ':memory:'. */
  readonly path: string
}

/**
 * The embedded store: one file, one process. Writes of one turn of the event loop are one transaction with
 * `synchronous=FULL`; a promise resolves after its sync. A second process that opens the file gets `storage/locked`. Throws
 * `storage/unavailable` with the line that helps where no SQLite engine can be loaded, `protocol/unsupported-version`
 * for a file of a newer version.
 */
export function sqliteStore({ path }: SqliteStoreOptions): ServerStore {
  const owner = own(path)
  let database: SqlDriver
  try {
    database = openDatabase(path, { synchronous: 'full', secureDelete: true })
  } catch (error) {
    owner?.close()
    throw error
  }
  try {
    requireUsable(applyMigrations(database, MIGRATIONS).report)
    database.transaction(() => database.exec("INSERT OR IGNORE INTO counters (name, value) VALUES ('sequence', 0)"))
  } catch (error) {
    database.close()
    owner?.close()
    throw error
  }
  const mailboxes = sqliteMailboxes(database, () => batch)
  const batch = createBatch(database, mailboxes.memory)
  const devices = createDevices(database, mailboxes.memory.dropped)
  const accounts = createAccountRows(database)
  const preKeys = sqlitePreKeys(database, batch, devices)
  const kept = database.prepare<{ value: Uint8Array }>('SELECT value FROM kept WHERE name = ?')
  const keep = database.prepare('INSERT OR IGNORE INTO kept (name, value) VALUES (?, ?)')
  const probe = database.prepare("UPDATE counters SET value = value WHERE name = 'sequence'")

  return {
    ...sqliteLogins(database, batch, accounts),
    ...sqliteLinks(database, batch),
    ...sqliteArchives(database, batch, accounts),
    ...sqliteAccounts(database, { batch, accounts, devices, publish: preKeys.publish, changed: mailboxes.memory.changed }),
    ...sqliteSessions(database, batch, devices),
    ...preKeys.store,
    ...mailboxes.store,
    sweep: sqliteSweep(database, batch, mailboxes.memory.forgetCounts),
    keepOnce: (name, value) =>
      batch.write(() => {
        keep.run(name, value)
        const row = kept.get(name)
        if (!row) throw new SecureChatError('server/internal', { detail: 'kept value' })
        return row.value
      }),
    check: () => batch.write(() => void probe.run()),
    async close() {
      batch.close()
      database.close()
      owner?.close()
    },
  }
}
