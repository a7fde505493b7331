import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@securechat/protocol'
import { type PostgresServer, REDIS_SERVER, type RedisServer, startPostgres, startRedis } from '@securechat/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBackends, urlFromEnvironment } from '../src/backends.js'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'securechat-backends-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const open = (env: NodeJS.ProcessEnv) => openBackends({ path: join(dir, 'one.db'), env, logger: silentLogger })

describe('configuration of backends', () => {
  it('reads URLs from variables and files, and never repeats one', () => {
    const file = join(dir, 'url')
    writeFileSync(file, 'postgres://a:secret@localhost/b\n')
    const read = (env: NodeJS.ProcessEnv) => urlFromEnvironment('URL', ['postgres:'], env)
    expect(read({})).toBeUndefined()
    expect(read({ URL_FILE: file })).toBe('postgres://a:secret@localhost/b')
    expect(read({ URL: 'postgres://c', URL_FILE: join(dir, 'none') })).toBe('postgres://c')
    expect(() => read({ URL_FILE: join(dir, 'none') })).toThrowError(expect.objectContaining({ detail: 'URL_FILE names no file' }))
    for (const wrong of ['mysql://a:secret@b', 'secret']) {
      expect(() => read({ URL: wrong })).toThrowError(expect.objectContaining({ code: 'client/invalid-argument', detail: 'URL must be a URL: postgres://…' }))
    }
  })

  it('without a database URL the file is used, and Redis alone is a mistake', async () => {
    const { store, shared, close } = await open({})
    expect([store.exclusive, shared]).toEqual([true, {}])
    await expect(open({})).rejects.toMatchObject({ detail: 'another server uses this data folder' })
    await close()
    await expect(open({ SECURECHAT_REDIS_URL: 'redis://localhost' })).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await expect(open({ SECURECHAT_MIGRATIONS: 'perhaps' })).rejects.toMatchObject({ detail: 'SECURECHAT_MIGRATIONS takes apply or require' })
  })

  it('a database that is not there is said in one line without its URL', async () => {
    const opening = open({ SECURECHAT_DATABASE_URL: 'postgres://user:secret@127.0.0.1:1/none' })
    await expect(opening).rejects.toMatchObject({ code: 'client/invalid-argument', detail: 'the database cannot be used: postgres ECONNREFUSED' })
  })
})

describe('PostgreSQL as a backend', () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.stop())

  it('is migrated at the start, or only looked at where that is asked for', async () => {
    const env = { SECURECHAT_DATABASE_URL: postgres.url }
    await expect(open({ ...env, SECURECHAT_MIGRATIONS: 'require' })).rejects.toMatchObject({ detail: 'the database cannot be used: migrations are pending' })
    const { store, shared, close } = await open(env)
    expect([store.exclusive, shared]).toEqual([false, {}])
    const again = await open({ ...env, SECURECHAT_MIGRATIONS: 'require' })
    expect(await again.store.keepOnce('a', Uint8Array.of(1))).toEqual(await store.keepOnce('a', Uint8Array.of(2)))
    await Promise.all([close(), again.close()])
    await expect(store.check()).rejects.toMatchObject({ code: 'server/unavailable' })
  })

  it.skipIf(!REDIS_SERVER)('with Redis two nodes wake one another (needs: apt-get install redis-server)', async () => {
    const redis: RedisServer = await startRedis()
    try {
      const env = { SECURECHAT_DATABASE_URL: postgres.url, SECURECHAT_REDIS_URL: redis.url }
      const nodes = [await open(env), await open(env)]
      const heard: string[] = []
      nodes[1]!.shared.bus!.subscribe(({ type }) => void heard.push(type))
      for (let i = 0; i < 1_000 && heard.length === 0; i++) {
        nodes[0]!.shared.bus!.publish({ type: 'missed' })
        await new Promise((done) => setTimeout(done, 10))
      }
      expect(heard[0]).toBe('missed')
      const rule = { burst: 5, perSecond: 0 }
      const waits = await Promise.all(Array.from({ length: 10 }, (_, i) => nodes[i % 2]!.shared.rateLimiter!.take('both', rule)))
      expect(waits.filter((wait) => wait === 0)).toHaveLength(5)
      await Promise.all(nodes.map(({ close }) => close()))
    } finally {
      await redis.stop()
    }
  })
})
