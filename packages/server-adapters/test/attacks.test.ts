import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerStore } from '@securechat/server'
import { storeAttacks } from '@securechat/server-testing'
import { type PostgresServer, startPostgres } from '@securechat/test-servers'
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest'
import { postgresStore } from '../src/postgres/index.js'
import { sqliteStore } from '../src/sqlite/index.js'

const stores: ServerStore[] = []
const opened = <Store extends ServerStore>(store: Store): Store => {
  stores.push(store)
  return store
}
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})

describe('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'securechat-attacks-'))
  const folders = new Map<ServerStore, string>()
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const open = async (): Promise<ServerStore> => {
    const own = mkdtempSync(join(folder, 'store-'))
    const store = opened(sqliteStore({ path: join(own, 'server.db') }))
    folders.set(store, own)
    return store
  }
  const kept = async (store: ServerStore): Promise<Buffer> => {
    const own = folders.get(store)!
    return Buffer.concat(readdirSync(own).map((name) => readFileSync(join(own, name))))
  }
  for (const { name, run } of storeAttacks) test(name, () => run({ open, another: async (store) => store, kept }))
})

describe('PostgreSQL', () => {
  let server: PostgresServer
  const schemas = new Map<ServerStore, string>()
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  const openAt = (schema: string): ServerStore => {
    const store = opened(postgresStore({ pool: server.pool({ max: 4 }), schema }))
    schemas.set(store, schema)
    return store
  }
  /** All rows of all tables, as text. */
  const kept = async (store: ServerStore): Promise<Buffer> => {
    const schema = schemas.get(store)!
    const pool = server.pool({ max: 1 })
    const { rows: tables } = await pool.query('SELECT tablename FROM pg_tables WHERE schemaname = $1', [schema])
    const rows: string[] = []
    for (const { tablename } of tables) {
      const { rows: found } = await pool.query(`SELECT t::text AS row FROM "${schema}"."${tablename}" t`)
      rows.push(...found.map(({ row }: { row: string }) => row))
    }
    return Buffer.from(rows.join('\n'))
  }
  let count = 0
  for (const { name, run } of storeAttacks)
    test(name, () => run({ open: async () => openAt(`attack_${count++}`), another: async (store) => openAt(schemas.get(store)!), kept }))
})
