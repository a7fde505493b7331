import type { ServerStore } from '@securechat/server'
import { storeSuite } from '@securechat/server/conformance'
import { type PostgresServer, startPostgres } from '@securechat/test-servers'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { postgresStore } from '../src/postgres/index.js'

let server: PostgresServer
let schemas = 0
const open = new Map<ServerStore, { readonly schema: string; readonly pool: pg.Pool }>()

/** A store with a pool of its own, as a node has it. */
const openAt = (schema: string): ServerStore => {
  const pool = server.pool({ max: 4 })
  const store = postgresStore({ pool, schema })
  open.set(store, { schema, pool })
  return store
}
const openNew = (): ServerStore => openAt(`case_${schemas++}`)

beforeAll(async () => {
  server = await startPostgres()
})
afterEach(async () => {
  for (const [store, { pool }] of open) {
    await store.close()
    await pool.end()
  }
  open.clear()
})
afterAll(() => server.stop())

describe('conformance', () => {
  for (const { name, run } of storeSuite) {
    it(name, () =>
      expect(
        run({
          open: async () => openNew(),
          reopen: async (store) => {
            await store.close()
            return openAt(open.get(store)!.schema)
          },
          share: async (store) => openAt(open.get(store)!.schema),
        }),
      ).resolves.toBeUndefined(),
    )
  }
})
