import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { renderUsage } from 'citty'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { command, runServer, type ServerArguments } from '../src/command.js'

const BIN = resolve(import.meta.dirname, '../src/bin.ts')
const secret = (seed: number): string => Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => (i * 7 + seed) & 0xff)).toString('base64url')
const SECRET = secret(7)
const PRODUCTION = {
  SECURECHAT_TOKEN_KEY: SECRET,
  SECURECHAT_PHONE_PEPPER: secret(8),
  SECURECHAT_OTP_WEBHOOK: 'http://127.0.0.1:9/',
}

class Run {
  out = ''
  err = ''
  readonly exited: Promise<number | null>
  readonly child: ChildProcess

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    // From source, as all tests: the condition picks src, tsx reads TypeScript.
    this.child = spawn(process.execPath, ['--conditions=@securechat/source', '--import', import.meta.resolve('tsx'), BIN, ...args], {
      env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString()
    })
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString()
    })
    this.exited = new Promise((done) => this.child.once('close', done))
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      const found = pattern.exec(this.out)
      if (found) return found
      if (this.child.exitCode !== null) break
      await new Promise((done) => setTimeout(done, 20))
    }
    throw new Error(`no ${pattern} in: ${this.out} ${this.err}`)
  }
}

let data: string
const runs: Run[] = []
const run = (args: readonly string[], env?: NodeJS.ProcessEnv): Run => {
  const started = new Run(args, env)
  runs.push(started)
  return started
}
const taken = async (): Promise<{ server: Server; port: number }> => {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { server, port: (server.address() as { port: number }).port }
}
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'securechat-bin-'))
})
afterEach(async () => {
  for (const { child, exited } of runs.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  }
  rmSync(data, { recursive: true, force: true })
})

test('--dev: one URL, codes, generated secrets that stay, another port where the port is taken, SIGTERM ends with 0', async () => {
  const { server, port } = await taken()
  const first = run(['--dev', '--data', data, '--port', String(port)])
  const [url] = await first.until(/http:\/\/localhost:\d+/)
  server.close()
  expect(url).not.toContain(`:${port}`)
  expect(first.out.match(/https?:\/\//g)).toHaveLength(1)
  expect(((await (await fetch(`${url}/readyz`)).json()) as { status: string }).status).toBe('ready')
  const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }
  expect(await (await fetch(`${url}/version`)).json()).toMatchObject({ version })
  const ask = () => fetch(`${url}/v1/auth.requestCode`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"phone":"+14155550100"}' })
  expect([(await ask()).status, (await ask()).status]).toEqual([200, 200])
  await first.until(/^code for \+14155550100: \d{6}$/m)
  const secrets = join(data, 'dev-secrets.json')
  const kept = readFileSync(secrets, 'utf8')
  expect(statSync(secrets).mode & 0o777).toBe(0o600)
  first.child.kill('SIGTERM')
  expect(await first.exited).toBe(0)
  expect(first.err).toBe('')
  const second = run(['--dev', '--data', data, '--port', '0'])
  await second.until(/http:\/\/localhost:\d+/)
  expect(readFileSync(secrets, 'utf8')).toBe(kept)
  second.child.kill('SIGINT')
  expect(await second.exited).toBe(0)
})

test('production: JSON lines and nothing else on standard output; no number or code in them', async () => {
  const { port } = await taken().then(async ({ server, port: free }) => {
    await new Promise((done) => server.close(done))
    return { port: free }
  })
  const production = run(['--data', data, '--port', String(port)], PRODUCTION)
  await production.until(/"msg":"listening"/)
  const answer = await fetch(`http://127.0.0.1:${port}/v1/auth.requestCode`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"phone":"+14155550100"}',
  })
  expect(answer.status).toBe(503)
  production.child.kill('SIGTERM')
  expect(await production.exited).toBe(0)
  for (const line of production.out.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg')
  expect(production.out + production.err).not.toContain('4155550100')
})

test('what a person can mend is one line on standard error and exit code 1', async () => {
  const { server, port } = await taken()
  const file = join(data, 'file')
  writeFileSync(file, '')
  const cases: [string, Partial<ServerArguments>, NodeJS.ProcessEnv, RegExp][] = [
    ['no secrets', {}, {}, /set SECURECHAT_TOKEN_KEY/],
    ['no sender of codes', {}, { ...PRODUCTION, SECURECHAT_OTP_WEBHOOK: '' }, /SECURECHAT_OTP_WEBHOOK/],
    ['a port in use', { port: String(port) }, PRODUCTION, new RegExp(`port ${port} is in use`)],
    ['no port', { port: 'http' }, PRODUCTION, /PORT takes|--port takes/],
    ['no log level', { 'log-level': 'loud' }, PRODUCTION, /--log-level takes/],
    ['an unwritable data folder', { data: join(file, 'data'), dev: true }, {}, /data folder cannot be written/],
    ['no web app', { static: data, dev: true, port: '0' }, {}, /index\.html/],
  ]
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  for (const [what, args, env, message] of cases) {
    written.mockClear()
    process.exitCode = undefined
    await runServer({ dev: false, data, ...args }, env)
    expect(process.exitCode, what).toBe(1)
    const said = written.mock.calls.map(([text]) => String(text)).join('')
    expect(said.trim(), what).toMatch(message)
    expect(said.trim().split('\n'), what).toHaveLength(1)
    expect(said, what).not.toContain(SECRET)
  }
  process.exitCode = undefined
  server.close()
})

test('the help names every option', async () => {
  const help = await renderUsage(command)
  for (const option of ['--config', '--dev', '--static', '--port', '--host', '--data', '--log-level']) expect(help).toContain(option)
})
