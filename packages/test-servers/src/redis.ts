import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from './free-port.js'

const KNOWN_PATHS = ['/usr/bin/redis-server', '/usr/bin/valkey-server', '/usr/local/bin/redis-server', '/opt/homebrew/bin/redis-server']
const named = process.env['REDIS_SERVER']
/** Where the server is; undefined where there is none (Debian: `apt-get install -y redis-server`). REDIS_SERVER, if set, alone counts. */
export const REDIS_SERVER = named ? (existsSync(named) ? named : undefined) : KNOWN_PATHS.find((path) => existsSync(path))

export interface RedisServer {
  readonly url: string
  /** A connection that `stop` ends. */
  client(): Redis
  /** Stops answering (SIGSTOP) and goes on. */
  pause(): void
  resume(): void
  /** Ends the process (SIGKILL), and starts another on the same port with nothing in it. */
  kill(): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A real Redis on loopback that keeps nothing, ended by `stop`. */
export async function startRedis(): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'securechat-redis-'))
  const port = await freePort()
  const clients: Redis[] = []
  let server: ChildProcess
  const start = (): Promise<void> =>
    new Promise((done, fail) => {
      server = spawn(REDIS_SERVER!, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      server.once('error', fail)
      server.once('exit', () => fail(new Error('Redis did not start')))
      server.stdout!.on('data', (chunk: Buffer) => {
        if (chunk.includes('Ready to accept connections')) done()
      })
    })
  const kill = (): Promise<void> =>
    new Promise((done) => {
      if (server.exitCode !== null || server.signalCode !== null) return done()
      server.once('exit', () => done())
      server.kill('SIGKILL')
    })
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    client() {
      const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 20, maxRetriesPerRequest: null })
      client.on('error', () => {})
      clients.push(client)
      return client
    },
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    kill,
    restart: start,
    async stop() {
      for (const client of clients) client.disconnect()
      await kill()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
