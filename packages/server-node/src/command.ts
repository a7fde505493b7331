import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isSecureChatError, SecureChatError } from '@securechat/protocol'
import { createServer, type ServerConfigInput } from '@securechat/server'
import { defineCommand, runMain } from 'citty'
import { DATABASE_FILE, openBackends } from './backends.js'
import { jsonLogger, type LogLevel } from './logger.js'
import { type MetricsServer, prometheusMetrics, serveMetrics } from './metrics.js'
import { orSay } from './or-say.js'
import { otpSender } from './otp.js'
import { loadSecrets } from './secrets.js'
import { type Serving, serve } from './serve.js'
import { limitsOf, listOf, loadSettings, type Settings } from './settings/load.js'
import { DEFAULT_PORT, LEVELS } from './settings/table.js'

/** Of this package, as it was published: `package.json` lies one level above the source and above the built files alike. */
const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
/** Whoever develops signs in with the same few numbers again and again, from one address; nothing is sent, so nothing can be pumped. */
const DEVELOPMENT: Pick<ServerConfigInput, 'codes' | 'limits'> = {
  codes: { spacingSeconds: 0, perHour: 10_000, perDay: 100_000 },
  limits: { code: { burst: 10_000, perSecond: 100 }, codePrefix: { burst: 10_000, perSecond: 100 }, codeRegion: { burst: 10_000, perSecond: 100 } },
}

export const command = defineCommand({
  meta: {
    name: 'securechat-server',
    description: 'The SecureChat reference server: HTTP and WebSocket on one port; embedded SQLite, or PostgreSQL and Redis for several nodes.',
  },
  args: {
    config: { type: 'string', valueHint: 'FILE', description: 'Configuration as JSON (SECURECHAT_CONFIG); the environment wins over it' },
    dev: { type: 'boolean', default: false, description: 'Development: generated secrets, one-time codes printed here, another port if the port is taken' },
    static: { type: 'string', valueHint: 'DIR', description: 'Serve a built web app from this folder (SECURECHAT_STATIC)' },
    port: { type: 'string', valueHint: 'PORT', description: `Port to listen on (PORT; default ${DEFAULT_PORT}; 0: a free one)` },
    host: { type: 'string', valueHint: 'HOST', description: 'Address to listen on (HOST; default 127.0.0.1)' },
    data: { type: 'string', valueHint: 'DIR', description: 'Folder of database and generated secrets (SECURECHAT_DATA; default ./data)' },
    'log-level': { type: 'string', valueHint: 'LEVEL', description: `One of ${LEVELS.join(', ')} (SECURECHAT_LOG_LEVEL; default info, with --dev warn)` },
  },
  run: ({ args }) => runServer(args as ServerArguments, process.env),
})

/** The program: reads the command line. */
export async function main(): Promise<void> {
  const [name = '', ...rest] = process.argv.slice(2)
  if (name === 'check-config') await runMain((await import('./check-config.js')).checkConfig, { rawArgs: rest })
  else if (name === 'migrate') await runMain((await import('./migrate.js')).migrate, { rawArgs: rest })
  else await runMain(command)
}

export interface ServerArguments {
  readonly config?: string
  readonly dev: boolean
  readonly static?: string
  readonly port?: string
  readonly host?: string
  readonly data?: string
  readonly 'log-level'?: string
}

/** Runs until SIGTERM or SIGINT. Problems that a person can mend are one line on standard error and exit code 1. */
export async function runServer(args: ServerArguments, env: NodeJS.ProcessEnv): Promise<void> {
  await orSay(() => start(args, loadSettings({ file: args.config ?? env.SECURECHAT_CONFIG, env })))
}

async function start(args: ServerArguments, { env, problems }: Settings): Promise<void> {
  const { dev } = args
  // `check-config` shows all of them.
  if (problems[0] !== undefined) return problem(problems[0])
  const dataDir = writableFolder(resolve(args.data ?? (env.SECURECHAT_DATA || './data')))
  const port = portNumber(args.port ?? (env.PORT || String(DEFAULT_PORT)))
  const logger = jsonLogger({ level: logLevel(args['log-level'] ?? (env.SECURECHAT_LOG_LEVEL || (dev ? 'warn' : 'info'))), stream: dev ? 2 : 1 })
  const secrets = loadSecrets({ dataDir, dev, env })
  const otp = otpSender(dev, env)
  const backends = await openBackends({ path: join(dataDir, DATABASE_FILE), env, logger })
  const origins = listOf(env, 'SECURECHAT_ORIGINS')
  const counted = env.SECURECHAT_METRICS_PORT ? prometheusMetrics() : undefined
  const server = createServer({
    store: backends.store,
    ...backends.shared,
    otp,
    secrets,
    logger,
    ...(counted && { metrics: counted.metrics }),
    config: { ...configOf(dev, env), corsOrigins: origins },
  })
  const trustedProxies = listOf(env, 'SECURECHAT_TRUSTED_PROXIES')
  const staticDir = args.static ?? (env.SECURECHAT_STATIC || undefined)
  let serving: Serving
  let told: MetricsServer | undefined
  try {
    await server.start()
    counted?.watch(server)
    if (counted) told = await serveMetrics(counted, { port: Number(env.SECURECHAT_METRICS_PORT), host: env.SECURECHAT_METRICS_HOST || '127.0.0.1' })
    serving = await listen(dev, port, (at) =>
      serve(server, { port: at, host: args.host ?? (env.HOST || '127.0.0.1'), origins, trustedProxies, ...(staticDir !== undefined && { staticDir }) }),
    )
  } catch (error) {
    await told?.close()
    await server.close()
    await backends.close()
    throw error
  }
  // Before anybody can know that it runs: a signal that comes right after the line below must find its handler.
  onSignal(async () => {
    await serving.close()
    await backends.close()
    // Last, so that the end can be watched too.
    await told?.close()
  })
  process.stdout.write(
    dev ? `SecureChat is running at ${serving.url}\nDevelopment mode: one-time codes are printed here; whoever reads them can sign in as anybody.\n` : '',
  )
  logger.info('listening', { port: serving.port, ...(told && { metricsPort: told.port }) })
}

/** Of the kit: what was set; in development wider limits, where none was. */
function configOf(dev: boolean, env: Settings['env']): ServerConfigInput {
  const { SECURECHAT_ISSUER: issuer, SECURECHAT_MAILBOX_DAYS: days, SECURECHAT_MAX_CONNECTIONS: connections } = env
  return {
    version: VERSION,
    ...(dev && DEVELOPMENT),
    limits: { ...(dev && DEVELOPMENT.limits), ...limitsOf(env) },
    ...(issuer && { issuer }),
    ...(days && { mailboxDays: Number(days) }),
    ...(connections && { maxConnections: Number(connections) }),
  }
}

const problem = (detail: string, cause?: unknown): never => {
  throw new SecureChatError('client/invalid-argument', { detail, cause })
}

function writableFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.W_OK)
    return path
  } catch (cause) {
    return problem('the data folder cannot be written; choose another with --data', cause)
  }
}

function portNumber(text: string): number {
  const port = Number(text)
  return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : problem('--port takes a number from 0 to 65535')
}

function logLevel(text: string): LogLevel {
  return LEVELS.find((level) => level === text) ?? problem(`--log-level takes one of ${LEVELS.join(', ')}`)
}

/** In development a taken port is no reason to stop. */
async function listen(dev: boolean, port: number, open: (port: number) => Promise<Serving>): Promise<Serving> {
  try {
    return await open(port)
  } catch (error) {
    if (!isSecureChatError(error) || error.detail !== 'port in use') throw error
    if (!dev) return problem(`port ${port} is in use; choose another with --port`, error)
    return open(0)
  }
}

/** The first signal drains; a second one ends at once. */
function onSignal(close: () => Promise<void>): void {
  let closing = false
  const end = (): void => {
    if (closing) process.exit(1)
    closing = true
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`securechat-server: ${isSecureChatError(error) ? error.message : 'stopping failed'}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}
