import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@securechat/storage-sqlite/driver'
import { type PostgresServer, startPostgres } from '@securechat/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Migration } from '../src/migrations/plan.js'
import { postgresMigrations, postgresStore } from '../src/postgres/index.js'
import { migrationsOf } from '../src/postgres/migrations.js'
import { sqliteMigrations, sqliteStore } from '../src/sqlite/index.js'

const step = (name: string, sql: string, compatible = false): Migration => ({ name, sql, compatible })
const FIRST = step('first', 'CREATE TABLE {s}.one (n int); INSERT INTO {s}.one VALUES (1)')
const SECOND = step('second', 'ALTER TABLE {s}.one ADD COLUMN m int NOT NULL DEFAULT 2', true)

describe('postgres migrations', () => {
  let server: PostgresServer
  let count = 0
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())
  const fresh = () => {
    const pool = server.pool()
    const schema = `steps_${count++}`
    const of = (...known: Migration[]) => migrationsOf({ pool, schema, known })
    return { pool, schema, of, tables: async () => (await pool.query(`SELECT tablename FROM pg_tables WHERE schemaname = '${schema}'`)).rowCount }
  }

  it('say what is pending, apply it once, and are current then', async () => {
    const { of, pool, schema } = fresh()
    expect(await of(FIRST, SECOND).check()).toEqual({ state: 'pending', version: 0, pending: ['first', 'second'], ahead: [], altered: [], usable: false })
    const run = await of(FIRST, SECOND).migrate()
    expect(run).toEqual({
      applied: ['first', 'second'],
      report: { state: 'current', version: 2, pending: [], ahead: [], altered: [], usable: true },
    })
    expect((await of(FIRST, SECOND).migrate()).applied).toEqual([])
    expect((await pool.query(`SELECT n, m FROM ${schema}.one`)).rows).toEqual([{ n: 1, m: 2 }])
  })

  it('of eight nodes that start at once each step is applied by one, and all go on when all is done', async () => {
    const { of } = fresh()
    const runs = await Promise.all(Array.from({ length: 8 }, () => of(FIRST, SECOND).migrate()))
    expect(runs.flatMap(({ applied }) => applied).sort()).toEqual(['first', 'second'])
    expect(runs.every(({ report }) => report.usable)).toBe(true)
  })

  it('a dry run tells what would be applied, has tried it, and changes nothing', async () => {
    const { of, tables, pool, schema } = fresh()
    const run = await of(FIRST, SECOND).migrate({ dryRun: true })
    expect([run.applied, run.report.state, await tables()]).toEqual([['first', 'second'], 'pending', 0])
    expect((await pool.query(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).rowCount).toBe(0)
    await expect(of(FIRST, step('broken', 'ALTER TABLE {s}.none ADD COLUMN m int')).migrate({ dryRun: true })).rejects.toMatchObject({
      code: 'server/unavailable',
      detail: 'migration failed: postgres 42P01',
    })
  })

  it('a step that fails leaves nothing of itself and keeps those before it', async () => {
    const { of, pool, schema } = fresh()
    const broken = step('broken', 'CREATE TABLE {s}.half (n int); SELECT 1 / 0')
    await expect(of(FIRST, broken).migrate()).rejects.toMatchObject({ detail: 'migration failed: postgres 22012' })
    expect((await of(FIRST, broken).check()).version).toBe(1)
    expect((await pool.query(`SELECT to_regclass('${schema}.half') AS half`)).rows).toEqual([{ half: null }])
    expect((await of(FIRST, SECOND).migrate()).applied).toEqual(['second'])
  })

  it('a step whose text was changed is found by its checksum, and nothing is applied on top of it', async () => {
    const { of } = fresh()
    await of(FIRST).migrate()
    const changed = step('first', `${FIRST.sql} -- changed`)
    expect(await of(changed, SECOND).check()).toMatchObject({ state: 'altered', altered: ['first'], usable: false })
    await expect(of(changed, SECOND).migrate()).rejects.toMatchObject({ code: 'storage/corrupt' })
    expect((await of(FIRST, SECOND).check()).pending).toEqual(['second'])
  })

  it('an older server goes on with a newer database exactly if the steps that it lacks are compatible', async () => {
    const { of } = fresh()
    await of(FIRST, SECOND).migrate()
    expect(await of(FIRST).check()).toEqual({ state: 'ahead', version: 2, pending: [], ahead: ['second'], altered: [], usable: true })
    await of(FIRST, SECOND, step('third', 'DROP TABLE {s}.one')).migrate()
    expect(await of(FIRST, SECOND).check()).toMatchObject({ state: 'ahead', ahead: ['third'], usable: false })
    expect((await of(FIRST).migrate()).applied).toEqual([])
  })

  it('the store applies them before its first call, or asks for them', async () => {
    const { pool, schema } = fresh()
    const asking = postgresStore({ pool, schema, migrations: 'require' })
    await expect(asking.check()).rejects.toMatchObject({ code: 'server/unavailable', detail: 'migrations are pending' })
    await postgresStore({ pool, schema }).check()
    // The same store, now that somebody has applied them.
    await asking.check()
    expect((await postgresMigrations({ pool, schema }).check()).state).toBe('current')
    await pool.query(`INSERT INTO ${schema}.migrations (version, name, checksum, compatible) VALUES (99, 'from the future', '', false)`)
    await expect(postgresStore({ pool, schema }).check()).rejects.toMatchObject({ code: 'protocol/unsupported-version' })
  })

  it('a schema is a plain name', () => {
    const { pool } = fresh()
    for (const schema of ['', 'a b', 'A', '1a', 'a"b', 'a;drop', 'x'.repeat(41)]) {
      expect(() => postgresStore({ pool, schema })).toThrowError(expect.objectContaining({ code: 'client/invalid-argument' }))
    }
  })
})

describe('sqlite migrations', () => {
  let dir: string
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'securechat-migrations-'))
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('check and a dry run make no file; migrate does what opening the store does', async () => {
    const path = join(dir, 'new.db')
    const migrations = sqliteMigrations({ path })
    expect(migrations.check()).toMatchObject({ state: 'pending', version: 0 })
    expect(migrations.migrate({ dryRun: true }).applied).toEqual(migrations.check().pending)
    expect(existsSync(path)).toBe(false)
    expect(migrations.migrate().report).toMatchObject({ state: 'current', usable: true })
    expect(migrations.migrate().applied).toEqual([])
    await sqliteStore({ path }).close()
    expect(migrations.check().state).toBe('current')
  })

  it('a file from before there were records is taken on, and brought up to date', async () => {
    const path = join(dir, 'old.db')
    await sqliteStore({ path }).close()
    const database = openDatabase(path)
    database.exec(
      'DROP TABLE migrations; DROP TABLE links; DROP TABLE leases; DROP TABLE archive_segments; DROP TABLE backup_manifests; DROP TABLE history_transfers; DROP TABLE registration_locks; ALTER TABLE devices DROP COLUMN seen_at; ALTER TABLE registrations DROP COLUMN unlocked; ALTER TABLE registrations DROP COLUMN device_id; ALTER TABLE refresh_tokens ADD COLUMN grace_until INTEGER; PRAGMA user_version = 1',
    )
    database.close()
    const migrations = sqliteMigrations({ path })
    expect(migrations.check()).toMatchObject({ state: 'pending', version: 1 })
    const rehearsed = migrations.migrate({ dryRun: true })
    expect([rehearsed.applied.length, rehearsed.report.version]).toEqual([5, 1])
    await sqliteStore({ path }).close()
    expect(migrations.check()).toMatchObject({ state: 'current', version: 6 })
  })

  it('altered files are refused, and files that a server has are left alone', async () => {
    const path = join(dir, 'altered.db')
    const store = sqliteStore({ path })
    expect(() => sqliteMigrations({ path }).migrate()).toThrowError(expect.objectContaining({ code: 'storage/locked' }))
    await store.close()
    const database = openDatabase(path)
    database.exec("UPDATE migrations SET checksum = 'another' WHERE version = 1")
    database.close()
    expect(sqliteMigrations({ path }).check()).toMatchObject({ state: 'altered', usable: false })
    expect(() => sqliteStore({ path })).toThrowError(expect.objectContaining({ code: 'storage/corrupt' }))
  })
})
