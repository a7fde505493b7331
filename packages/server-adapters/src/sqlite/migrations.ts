import { existsSync } from 'node:fs'
import { SecureChatError } from '@securechat/protocol'
import { openDatabase, type SqlDriver } from '@securechat/storage-sqlite/driver'
import { type AppliedMigration, checksumOf, compareMigrations, type Migration, type MigrationReport, type MigrationRun } from '../migrations/plan.js'
import { own } from './own.js'
import { MIGRATIONS } from './schema.js'

const RECORDS = 'CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, compatible INTEGER NOT NULL)'

/** `user_version` counts what is applied. Files from before there were records are taken to have what is known under those numbers. */
function readApplied(database: SqlDriver, known: readonly Migration[]): AppliedMigration[] {
  const version = database.prepare<{ user_version: number }>('PRAGMA user_version').get()?.user_version ?? 0
  const there = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'").get()
  const records = there
    ? database
        .prepare<{ version: number; name: string; checksum: string; compatible: number }>('SELECT version, name, checksum, compatible FROM migrations')
        .all()
    : []
  return Array.from({ length: version }, (_, i) => {
    const record = records.find((one) => one.version === i + 1)
    if (record) return { ...record, compatible: record.compatible === 1 }
    const migration = known[i]
    return { version: i + 1, name: migration?.name ?? `migration ${i + 1}`, checksum: migration ? checksumOf(migration) : '', compatible: false }
  })
}

/** Applies the next step inside the caller's transaction and answers its name; `undefined`: there is none. */
function step(database: SqlDriver, known: readonly Migration[]): string | undefined {
  const present = readApplied(database, known)
  const { state, version } = compareMigrations(known, present)
  if (state === 'altered') throw new SecureChatError('storage/corrupt', { detail: 'an applied migration has another checksum' })
  if (state === 'ahead') return undefined
  database.exec(RECORDS)
  const record = database.prepare('INSERT OR IGNORE INTO migrations (version, name, checksum, compatible) VALUES (?, ?, ?, ?)')
  for (const one of present) record.run(one.version, one.name, one.checksum, one.compatible ? 1 : 0)
  const migration = known[version]
  if (!migration) return undefined
  database.exec(migration.sql)
  database.exec(`PRAGMA user_version = ${version + 1}`)
  record.run(version + 1, migration.name, checksumOf(migration), migration.compatible ? 1 : 0)
  return migration.name
}

/** Each step in one transaction. Throws `storage/corrupt` for an altered file; one that is ahead is left alone. */
export function applyMigrations(database: SqlDriver, known: readonly Migration[]): MigrationRun {
  const applied: string[] = []
  for (;;) {
    const name = database.transaction(() => step(database, known))
    if (name === undefined) return { applied, report: compareMigrations(known, readApplied(database, known)) }
    applied.push(name)
  }
}

/** All steps in one transaction that is undone. */
export function rehearseMigrations(database: SqlDriver, known: readonly Migration[]): MigrationRun {
  const applied: string[] = []
  const undo = new Error('rehearsed')
  try {
    database.transaction(() => {
      for (let name = step(database, known); name !== undefined; name = step(database, known)) applied.push(name)
      throw undo
    })
  } catch (error) {
    if (error !== undo) throw error
  }
  return { applied, report: compareMigrations(known, readApplied(database, known)) }
}

export interface SqliteMigrations {
  /** Changes nothing, and makes no file where there is none. */
  check(): MigrationReport
  /**
   * Applies what is pending, as `sqliteStore` does when it opens the file. With `dryRun` the steps are run and undone. Throws `storage/locked` while a server
   * has the file, `storage/corrupt` for an altered one.
   */
  migrate(options?: { readonly dryRun?: boolean }): MigrationRun
}

export function sqliteMigrations({ path }: { readonly path: string }): SqliteMigrations {
  const withDatabase = <T>(at: string, work: (database: SqlDriver) => T): T => {
    const database = openDatabase(at)
    try {
      return work(database)
    } finally {
      database.close()
    }
  }
  const check = (): MigrationReport =>
    existsSync(path) ? withDatabase(path, (database) => compareMigrations(MIGRATIONS, readApplied(database, MIGRATIONS))) : compareMigrations(MIGRATIONS, [])
  return {
    check,
    migrate({ dryRun = false } = {}) {
      const work = dryRun ? rehearseMigrations : applyMigrations
      const at = dryRun && !existsSync(path) ? ':memory:' : path
      const owner = own(at)
      try {
        return withDatabase(at, (database) => work(database, MIGRATIONS))
      } finally {
        owner?.close()
      }
    },
  }
}
