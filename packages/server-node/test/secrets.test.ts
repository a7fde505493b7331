import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64Url } from '@securechat/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadSecrets } from '../src/index.js'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'securechat-secrets-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

/** As good as random to whoever counts different bytes. */
const bytes = (seed: number) => Uint8Array.from({ length: 32 }, (_, i) => (i * 7 + seed) & 0xff)
const key = (seed: number) => toBase64Url(bytes(seed))
const production = { SECURECHAT_TOKEN_KEY: key(1), SECURECHAT_PHONE_PEPPER: key(2) }

it('generates development secrets once, readable by their owner only', () => {
  const first = loadSecrets({ dataDir, dev: true, env: {} })
  expect(first.tokenKey).not.toEqual(first.phonePepper)
  expect(loadSecrets({ dataDir, dev: true, env: {} })).toEqual(first)
  expect(statSync(join(dataDir, 'dev-secrets.json')).mode & 0o777).toBe(0o600)
})

it('takes production secrets from the environment or from files, and never generates them', () => {
  expect(() => loadSecrets({ dataDir, dev: false, env: {} })).toThrowError(expect.objectContaining({ code: 'client/invalid-argument' }))
  expect(loadSecrets({ dataDir, dev: false, env: production }).tokenKey).toEqual(bytes(1))
  const file = join(dataDir, 'token')
  writeFileSync(file, `${key(3)}\n`)
  expect(loadSecrets({ dataDir, dev: false, env: { SECURECHAT_PHONE_PEPPER: key(2), SECURECHAT_TOKEN_KEY_FILE: file } }).tokenKey).toEqual(bytes(3))
})

it('refuses development secrets in production, malformed ones and a damaged file, without showing them', () => {
  const dev = loadSecrets({ dataDir, dev: true, env: {} })
  expect(() => loadSecrets({ dataDir, dev: false, env: { ...production, SECURECHAT_TOKEN_KEY: toBase64Url(dev.tokenKey) } })).toThrowError(/not for production/)
  try {
    loadSecrets({ dataDir, dev: false, env: { ...production, SECURECHAT_TOKEN_KEY: 'short-secret' } })
    expect.unreachable()
  } catch (error) {
    expect(String(error)).toContain('SECURECHAT_TOKEN_KEY')
    expect(String(error)).not.toContain('short-secret')
  }
  writeFileSync(join(dataDir, 'dev-secrets.json'), '{')
  expect(() => loadSecrets({ dataDir, dev: true, env: {} })).toThrowError(expect.objectContaining({ code: 'storage/corrupt' }))
  expect(readFileSync(join(dataDir, 'dev-secrets.json'), 'utf8')).toBe('{')
})

it('refuses secrets of samples in production: one byte over and over, or the same for both', () => {
  const load = (changes: object) => loadSecrets({ dataDir, dev: false, env: { ...production, ...changes } })
  expect(() => load({ SECURECHAT_TOKEN_KEY: toBase64Url(new Uint8Array(32)) })).toThrowError(/SECURECHAT_TOKEN_KEY is not random/)
  expect(() => load({ SECURECHAT_PHONE_PEPPER: toBase64Url(Uint8Array.from({ length: 32 }, (_, i) => i % 15)) })).toThrowError(
    /SECURECHAT_PHONE_PEPPER is not random/,
  )
  expect(() => load({ SECURECHAT_PHONE_PEPPER: production.SECURECHAT_TOKEN_KEY })).toThrowError(/are the same/)
})
