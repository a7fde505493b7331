import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadStaticSite } from '../src/index.js'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'securechat-site-'))
  mkdirSync(join(dir, 'site/assets'), { recursive: true })
  writeFileSync(join(dir, 'site/index.html'), '<!doctype html><html></html>')
  writeFileSync(join(dir, 'site/assets/app-1a2b.js'), 'export {}')
  writeFileSync(join(dir, 'secret.txt'), 'outside')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const get = (path: string, init?: RequestInit) => new Request(`http://localhost${path}`, init)

it('serves files with types, caching and a policy that allows WebAssembly and nothing looser', async () => {
  const site = await loadStaticSite(join(dir, 'site'))
  const page = site.respond(get('/'))!
  expect(await page.text()).toContain('<html>')
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const policy = page.headers.get('content-security-policy')!
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';")
  expect(policy).not.toMatch(/'unsafe-inline'|'unsafe-eval'|\*|https?:/)
  const script = site.respond(get('/assets/app-1a2b.js'))!
  expect(script.headers.get('content-type')).toMatch('text/javascript')
  expect(script.headers.get('cache-control')).toMatch('immutable')
  expect(page.headers.get('cache-control')).toBe('no-cache')
  expect(site.respond(get('/', { headers: { 'if-none-match': page.headers.get('etag')! } }))!.status).toBe(304)
  expect(await site.respond(get('/', { method: 'HEAD' }))!.text()).toBe('')
})

it('gives the page for client-side routes, and nothing for missing files, other methods and paths outside', async () => {
  const site = await loadStaticSite(join(dir, 'site'))
  expect(await site.respond(get('/chats/abc'))!.text()).toContain('<html>')
  expect(site.respond(get('/missing.js'))).toBeUndefined()
  expect(site.respond(get('/', { method: 'POST' }))).toBeUndefined()
  for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/assets/../../secret.txt']) expect(site.respond(get(path))).toBeUndefined()
})

it('refuses a folder without a page', async () => {
  await expect(loadStaticSite(join(dir, 'site/assets'))).rejects.toMatchObject({ code: 'client/invalid-argument' })
  await expect(loadStaticSite(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'client/invalid-argument' })
})
