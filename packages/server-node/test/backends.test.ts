import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@securechat/protocol'
import { type PostgresServer, REDIS_SERVER, type RedisServer, startPostgres, startRedis } from '@securechat/test-servers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openBackends, urlFromEnvironment } from '../src/backends.js'
import { runCheckConfig } from '../src/check-config.js'
import { runMigrate } from '../src/migrate.js'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'securechat-backends-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const open = (env: NodeJS.ProcessEnv) => openBackends({ path: join(dir, 'one.db'), env, logger: silentLogger })

const secret = (seed: number): string => Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => (i * 7 + seed) & 0xff)).toString('base64url')

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

  it('is migrated by a command of its own, one process at a time, and checked by another', async () => {
    const fresh = postgres.pool({ max: 1 })
    await fresh.query('CREATE DATABASE by_command')
    const env = { SECURECHAT_DATABASE_URL: Object.assign(new URL(postgres.url), { pathname: '/by_command' }).href, SECURECHAT_MIGRATIONS: 'require' }
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const said = async (work: Promise<void>): Promise<[string, number]> => {
      await work
      const out = written.mock.calls.splice(0).map(([text]) => String(text))
      const code = Number(process.exitCode ?? 0)
      process.exitCode = undefined
      return [out.join(''), code]
    }
    const migrate = (args: object) => runMigrate({ 'dry-run': false, check: false, ...args }, env)
    const good = { ...env, SECURECHAT_TOKEN_KEY: secret(1), SECURECHAT_PHONE_PEPPER: secret(2), SECURECHAT_OTP_WEBHOOK: 'https://sms.example.com/' }
    const check = () => said(runCheckConfig({ dev: false, connect: true }, good))
    expect(await said(migrate({ check: true }))).toEqual([expect.stringMatching(/^pending: 0/), 1])
    expect(await check()).toEqual([expect.stringContaining('problem: the database is pending'), 1])
    expect((await said(migrate({ 'dry-run': true })))[0]).toMatch(/^would apply /)
    const [both] = await said(Promise.all([migrate({}), migrate({})]).then(() => undefined))
    expect(both.match(/^applied /gm)?.length).toBe(both.match(/^current: (\d+)/m) ? Number(both.match(/^current: (\d+)/m)![1]) : 0)
    expect(await said(migrate({ check: true }))).toEqual([expect.stringMatching(/^current: /), 0])
    expect(await check()).toEqual([expect.stringContaining('The configuration is good.'), 0])
    const { close } = await open(env)
    await close()
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
