import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_LIMITS } from '@securechat/server'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCheckConfig } from '../src/check-config.js'
import { runMigrate } from '../src/migrate.js'
import { limitsOf, listOf, loadSettings } from '../src/settings/load.js'
import { SETTINGS } from '../src/settings/table.js'

const secret = (seed: number): string => Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => (i * 7 + seed) & 0xff)).toString('base64url')
const GOOD = { SECURECHAT_TOKEN_KEY: secret(1), SECURECHAT_PHONE_PEPPER: secret(2), SECURECHAT_OTP_WEBHOOK: 'https://sms.example.com/' }

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'securechat-settings-'))
})
afterEach(() => {
  process.exitCode = undefined
  rmSync(dir, { recursive: true, force: true })
})
const written = (content: unknown): string => {
  const file = join(dir, 'config.json')
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

describe('settings', () => {
  it('come from the file, and from the environment where that says something', () => {
    const file = written({ port: 9000, host: '::1', origins: ['https://a.example', 'https://b.example'], database: { url: 'postgres://db/x' } })
    const { env, sources, problems } = loadSettings({ file, env: { HOST: '0.0.0.0', SECURECHAT_DATABASE_URL_FILE: '/run/secrets/db' } })
    expect(problems).toEqual([])
    expect(env).toMatchObject({ PORT: '9000', HOST: '0.0.0.0', SECURECHAT_DATABASE_URL_FILE: '/run/secrets/db' })
    // Set in the environment, be it as a file: the other one's value does not slip in beside it.
    expect(env['SECURECHAT_DATABASE_URL']).toBeUndefined()
    expect(listOf(env, 'SECURECHAT_ORIGINS')).toEqual(['https://a.example', 'https://b.example'])
    expect(Object.fromEntries(sources)).toEqual({ PORT: 'file', HOST: 'environment', SECURECHAT_ORIGINS: 'file', SECURECHAT_DATABASE_URL: 'environment' })
  })

  it('may name files that hold secrets', () => {
    const { env, problems } = loadSettings({
      file: written({ secrets: { tokenKeyFile: '/run/secrets/token' }, redis: { urlFile: '/run/secrets/redis' } }),
      env: {},
    })
    expect(problems).toEqual([])
    expect(env).toMatchObject({ SECURECHAT_TOKEN_KEY_FILE: '/run/secrets/token', SECURECHAT_REDIS_URL_FILE: '/run/secrets/redis' })
  })

  it('that are wrong are all told, by their names and without their values', () => {
    const file = written({ prot: 1, port: 'canary', logLevel: ['canary'], hostFile: 'canary', origins: 'canary', limits: { lookup: 'canary', nothing: '1/1' } })
    const { problems } = loadSettings({ file, env: { SECURECHAT_MAILBOX_DAYS: '0', SECURECHAT_REDIS_URL: 'http://canary' } })
    expect(problems.map((line) => line.split(/[ :]/, 1)[0]).sort()).toEqual([
      'SECURECHAT_MAILBOX_DAYS',
      'SECURECHAT_REDIS_URL',
      'hostFile',
      'limits.lookup',
      'limits.nothing',
      'logLevel',
      'origins',
      'port',
      'prot',
    ])
    expect(problems.join()).not.toContain('canary')
  })

  it('in a file that cannot be read are one clear error, which quotes nothing', () => {
    for (const content of ['{ "secrets": canary', '[]', '1'])
      expect(() => loadSettings({ file: written(content), env: {} })).toThrowError(expect.objectContaining({ detail: expect.not.stringContaining('canary') }))
    expect(() => loadSettings({ file: join(dir, 'none'), env: {} })).toThrowError(expect.objectContaining({ detail: expect.stringContaining('not there') }))
  })

  it('of limits change those that are named', () => {
    const { env } = loadSettings({ file: written({ limits: { lookup: '5/0.5' } }), env: { SECURECHAT_LIMIT_PRE_KEY_CLAIM: '9/1' } })
    expect(limitsOf(env)).toEqual({ lookup: { burst: 5, perSecond: 0.5 }, preKeyClaim: { burst: 9, perSecond: 1 } })
    expect({ ...DEFAULT_LIMITS, ...limitsOf(env) }.send).toBe(DEFAULT_LIMITS.send)
  })

  it('have names and places of their own', () => {
    for (const of of ['variable', 'place'] as const) expect(new Set(SETTINGS.map((setting) => setting[of])).size).toBe(SETTINGS.length)
  })
})

const output = async (work: () => Promise<void>): Promise<{ out: string; err: string; code: number }> => {
  process.exitCode = undefined
  const [out, err] = [vi.spyOn(process.stdout, 'write').mockReturnValue(true), vi.spyOn(process.stderr, 'write').mockReturnValue(true)]
  await work()
  const [said, wrong] = [out, err].map((spy) => spy.mock.calls.map(([text]) => String(text)).join(''))
  vi.restoreAllMocks()
  const code = Number(process.exitCode ?? 0)
  process.exitCode = undefined
  return { out: said!, err: wrong!, code }
}
const check = (env: Record<string, string>, args: object = {}) => output(() => runCheckConfig({ dev: false, connect: false, ...args }, env))

describe('check-config', () => {
  it('shows what is set and where, no secret, and says that it is good', async () => {
    const { out, code } = await check(GOOD, { config: written({ port: 9000 }) })
    expect(out).toContain('PORT = 9000 (file)')
    expect(out).toContain('SECURECHAT_TOKEN_KEY = (secret) (environment)')
    expect(out).toContain('The configuration is good.')
    expect(out).not.toContain(GOOD.SECURECHAT_TOKEN_KEY)
    expect(code).toBe(0)
  })

  it('shows no login and no query of an address', async () => {
    const { out } = await check({ ...GOOD, SECURECHAT_OTP_WEBHOOK: 'https://me:canary@sms.example.com/send?key=canary' })
    expect(out).toContain('SECURECHAT_OTP_WEBHOOK = https://sms.example.com/send (and what is secret in it) (environment)')
    expect(out).not.toContain('canary')
  })

  it('tells every problem at once, and names variables that are no settings', async () => {
    const { out, code } = await check({ PORT: 'x', SECURECHAT_TRUSTED_PROXIES: 'proxy', SECURECHAT_TOKEN_KEY: 'AAAA', SECURECHAT_TOKENKEY: '1' })
    const problems = out.split('\n').filter((line) => line.startsWith('problem: '))
    expect(problems).toHaveLength(4)
    for (const part of ['PORT takes', 'trusted proxy', 'SECURECHAT_TOKEN_KEY must be 32 bytes', 'one-time codes']) expect(out).toContain(part)
    expect(out).toContain('warning: SECURECHAT_TOKENKEY is no setting')
    expect(out).toContain('4 to mend.')
    expect(code).toBe(1)
  })

  it('needs no secrets for --dev, and asks the backends where that is wanted', async () => {
    expect((await check({}, { dev: true })).code).toBe(0)
    const gone = { ...GOOD, SECURECHAT_DATABASE_URL: 'postgres://canary@127.0.0.1:9/x', SECURECHAT_REDIS_URL: 'redis://:canary@127.0.0.1:9' }
    expect((await check(gone)).code).toBe(0)
    const { out, code } = await check(gone, { connect: true })
    expect(out).toContain('problem: the database cannot be used')
    expect(out).toContain('problem: Redis does not answer')
    expect(out).not.toContain('canary')
    expect(code).toBe(1)
  })
})

describe('migrate, on a SQLite file', () => {
  const migrate = (args: object) => output(() => runMigrate({ data: dir, 'dry-run': false, check: false, ...args }, {}))

  it('checks, rehearses, applies, and has nothing to do after that', async () => {
    const before = await migrate({ check: true })
    expect([before.code, before.out]).toEqual([1, expect.stringMatching(/^pending: 0 migrations applied, missing /)])
    const rehearsed = await migrate({ 'dry-run': true })
    expect([rehearsed.code, rehearsed.out]).toEqual([0, expect.stringMatching(/^would apply .*\n(.*\n)*pending: 0/)])
    expect((await migrate({ check: true })).code).toBe(1)
    expect((await migrate({})).out).toMatch(/^applied .*\n(.*\n)*current: \d+ migrations? applied\n$/)
    const after = await migrate({ check: true })
    expect([after.code, after.out]).toEqual([0, expect.stringMatching(/^current: /)])
    expect((await migrate({})).out).toMatch(/^current: /)
  })

  it('says in one line that a setting is wrong', async () => {
    const { err, code } = await output(() => runMigrate({ 'dry-run': false, check: true }, { PORT: 'x' }))
    expect([err.trim().split('\n').length, code]).toEqual([1, 1])
  })
})
