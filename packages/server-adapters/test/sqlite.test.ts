import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccountId } from '@securechat/protocol'
import type { ServerStore } from '@securechat/server'
import { storeSuite } from '@securechat/server/conformance'
import { openDatabase } from '@securechat/storage-sqlite/driver'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteStore } from '../src/sqlite/index.js'

let dir: string
let count = 0
const open = new Map<ServerStore, string>()
const openAt = (path: string): ServerStore => {
  const store = sqliteStore({ path })
  open.set(store, path)
  return store
}
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'securechat-server-store-'))
})
afterEach(async () => {
  for (const store of open.keys()) await store.close()
  open.clear()
  rmSync(dir, { recursive: true, force: true })
})

describe('conformance', () => {
  for (const { name, run } of storeSuite) {
    it(name, async () => {
      await run({
        open: async () => openAt(join(dir, `${count++}.db`)),
        reopen: async (store) => {
          await store.close()
          return openAt(open.get(store)!)
        },
      })
    })
  }
})

describe('the file', () => {
  it('belongs to one process at a time and to its owner only', async () => {
    const path = join(dir, 'one.db')
    const store = openAt(path)
    expect(() => sqliteStore({ path })).toThrowError(expect.objectContaining({ code: 'storage/locked' }))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await store.close()
    await openAt(path).check()
  })

  it('of a newer version is refused and not touched', async () => {
    const path = join(dir, 'newer.db')
    await openAt(path).close()
    const database = openDatabase(path)
    database.exec('PRAGMA user_version = 999')
    database.close()
    expect(() => sqliteStore({ path })).toThrowError(expect.objectContaining({ code: 'protocol/unsupported-version' }))
    // The refusal has let go of the file.
    expect(() => sqliteStore({ path })).toThrowError(expect.objectContaining({ code: 'protocol/unsupported-version' }))
  })

  it('holds nothing of what was deleted', async () => {
    const path = join(dir, 'gone.db')
    const store = openAt(path)
    const canary = new TextEncoder().encode('canary-of-an-erased-value')
    const accountId = 'AAAAAAAAAAAAAAAAAAAAAA' as AccountId
    await store.openLogin({ loginId: 'login', phoneHash: canary, codeMac: new Uint8Array(32), now: 1, expiresAt: 10 }, () => null)
    await store.redeemLogin({
      loginId: 'login',
      now: 2,
      graceUntil: 3,
      newAccountId: accountId,
      registrationHash: new Uint8Array(32),
      registrationExpiresAt: 5,
    })
    expect(await store.sweep({ now: 200_000_000, mailboxBefore: 0, limit: 100 })).toBeGreaterThan(0)
    await store.close()
    for (const name of readdirSync(dir)) expect(readFileSync(join(dir, name)).includes(Buffer.from(canary)), name).toBe(false)
  })
})

it('a failing write fails alone, and its neighbours of the same turn are kept', async () => {
  const store = openAt(join(dir, 'batch.db'))
  const login = (loginId: string) => store.openLogin({ loginId, phoneHash: new Uint8Array(32), codeMac: new Uint8Array(32), now: 1, expiresAt: 10 }, () => null)
  const results = await Promise.allSettled([login('a'), login('a'), login('b')])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'server/unavailable' })
  expect(await store.tryCode({ loginId: 'b', now: 2, maxTries: 5 })).toMatchObject({ state: 'counted' })
})
