import { existsSync, readFileSync } from 'node:fs'
import { isSecureChatError, type Logger, SecureChatError } from '@securechat/protocol'
import type { ServerOptions, ServerStore } from '@securechat/server'
import { postgresStore } from '@securechat/server-adapters/postgres'
import { redisBus, redisNonces, redisRateLimiter } from '@securechat/server-adapters/redis'
import { sqliteStore } from '@securechat/server-adapters/sqlite'
import type { Redis } from 'ioredis'
import type { Pool } from 'pg'
import type { Environment } from './settings/load.js'

/** Milliseconds to wait for a connection to the database before a call is answered with an error. */
const CONNECT_MS = 5_000
/** Connections of one node: three are busy with mailboxes under load. */
const POOL_SIZE = 10

/** In the data folder. */
export const DATABASE_FILE = 'securechat.db'

export interface Backends {
  readonly store: ServerStore
  /** Of several nodes; empty on one. */
  readonly shared: Pick<ServerOptions, 'bus' | 'rateLimiter' | 'nonces'>
  /** After the server: the store with what was begun, then the connections. */
  close(): Promise<void>
}

const problem = (detail: string, cause?: unknown): never => {
  throw new SecureChatError('client/invalid-argument', { detail, cause })
}

/** A variable, or the file that the variable with _FILE names; a URL of one of the protocols. It may hold a password, so it is never repeated. */
export function urlFromEnvironment(name: string, protocols: readonly string[], env: Environment): string | undefined {
  const file = env[`${name}_FILE`]
  if (!env[name] && file && !existsSync(file)) problem(`${name}_FILE names no file`)
  const text = (env[name] || (file && readFileSync(file, 'utf8')) || '').trim()
  if (text === '') return undefined
  if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) problem(`${name} must be a URL: ${protocols.join('// or ')}//…`)
  return text
}

export const databaseUrlOf = (env: Environment): string | undefined => urlFromEnvironment('SECURECHAT_DATABASE_URL', ['postgres:', 'postgresql:'], env)
export const redisUrlOf = (env: Environment): string | undefined => urlFromEnvironment('SECURECHAT_REDIS_URL', ['redis:', 'rediss:'], env)

/** Loaded only where it is used. */
export async function openPool(databaseUrl: string, size: number): Promise<Pool> {
  const { Pool } = (await import('pg')).default
  return new Pool({ connectionString: databaseUrl, max: size, connectionTimeoutMillis: CONNECT_MS, application_name: 'securechat-server' })
}

/** As `openPool`. Calls are answered or fail at once; nothing of what they ask is worth sending later. */
export async function openRedis(redisUrl: string, options: { readonly lazyConnect?: true; readonly retryStrategy?: () => null } = {}): Promise<Redis> {
  const { Redis } = await import('ioredis')
  return new Redis(redisUrl, { enableOfflineQueue: false, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false, ...options })
}

/**
 * Where this server keeps its data: PostgreSQL if `SECURECHAT_DATABASE_URL` is set, else the SQLite file at `path`. `SECURECHAT_REDIS_URL` joins several nodes on one
 * PostgreSQL: wake-ups, limits and nonces. Both can be given as files (`…_FILE`). Throws `client/invalid-argument` with what is wrong.
 */
export async function openBackends({ path, env, logger }: { readonly path: string; readonly env: Environment; readonly logger: Logger }): Promise<Backends> {
  const [databaseUrl, redisUrl] = [databaseUrlOf(env), redisUrlOf(env)]
  const migrations = env.SECURECHAT_MIGRATIONS || 'apply'
  if (migrations !== 'apply' && migrations !== 'require') return problem('SECURECHAT_MIGRATIONS takes apply or require')
  if (!databaseUrl) {
    if (redisUrl) problem('SECURECHAT_REDIS_URL joins several nodes, which need SECURECHAT_DATABASE_URL too')
    const store = openSqlite(path)
    return { store, shared: {}, close: () => store.close() }
  }
  const pool = await openPool(databaseUrl, POOL_SIZE)
  const store = postgresStore({ pool, migrations, logger })
  const closeStore = async (): Promise<void> => {
    await store.close()
    await pool.end()
  }
  try {
    await store.check()
  } catch (error) {
    await closeStore()
    return problem(`the database cannot be used: ${isSecureChatError(error) ? (error.detail ?? error.code) : 'unknown'}`, error)
  }
  if (!redisUrl) return { store, shared: {}, close: closeStore }
  const client = await openRedis(redisUrl)
  client.on('error', () => logger.warn('redis-connection-lost'))
  const bus = redisBus({ client, logger })
  return {
    store,
    shared: { bus, rateLimiter: redisRateLimiter({ client, logger }), nonces: redisNonces({ client }) },
    async close() {
      await bus.close()
      client.disconnect()
      await closeStore()
    },
  }
}

function openSqlite(path: string): ServerStore {
  try {
    return sqliteStore({ path })
  } catch (error) {
    if (isSecureChatError(error, 'storage/locked')) return problem('another server uses this data folder', error)
    throw error
  }
}
