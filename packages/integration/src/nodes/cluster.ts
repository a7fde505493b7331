import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PostgresServer, type RedisServer, startPostgres, startRedis } from '@securechat/test-servers'
import { type ServerProcess, startServer } from '../processes.js'
import { type Gate, startBalancer, startGate } from './gate.js'

/** For `start`: the next protocol version beside this one. */
export const NEXT_VERSION = { NODE_OPTIONS: `--import=${new URL('./next-version.mjs', import.meta.url).href}` } as const
/** For `start`: this version again. */
export const THIS_VERSION = { NODE_OPTIONS: '' } as const

/** A server process with its own ways to database and Redis. */
export interface Node {
  readonly postgres: Gate
  readonly redis: Gate
  /** The one that runs, or ran last. */
  readonly process: ServerProcess
  isRunning(): boolean
  /** Starts another process at the same place; `env` for this one and those after it. */
  start(env?: Readonly<Record<string, string>>): Promise<void>
  /** SIGKILL. */
  kill(): Promise<unknown>
  /** SIGTERM; resolves when it has handed its sockets over and ended. */
  drain(): Promise<unknown>
  pause(): void
  resume(): void
}

/** Nodes of one server over one PostgreSQL and one Redis, behind a load balancer without sticky sessions. */
export interface Cluster {
  readonly url: string
  readonly nodes: readonly Node[]
  readonly postgres: PostgresServer
  readonly redis: RedisServer
  /** The newest one-time code for the number, whichever node printed it. */
  code(phone: string): Promise<string>
  close(): Promise<void>
}

const through = (url: string, { port }: Gate): string => Object.assign(new URL(url), { port: String(port) }).href

export async function startCluster(size: number): Promise<Cluster> {
  const dir = mkdtempSync(join(tmpdir(), 'securechat-nodes-'))
  const ending: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const end of ending.splice(0).reverse()) await end()
    rmSync(dir, { recursive: true, force: true })
  }
  const closing = <T>(thing: T, end: (thing: T) => Promise<unknown>): T => {
    ending.push(() => end(thing))
    return thing
  }
  try {
    const postgres = closing(await startPostgres(), (server) => server.stop())
    const redis = closing(await startRedis(), (server) => server.stop())
    const secret = (): string => randomBytes(32).toString('base64url')
    const secrets = { SECURECHAT_TOKEN_KEY: secret(), SECURECHAT_PHONE_PEPPER: secret() }
    const nodes: Node[] = []
    for (let i = 0; i < size; i++) {
      const gates = {
        postgres: closing(await startGate(Number(new URL(postgres.url).port)), (gate) => gate.close()),
        redis: closing(await startGate(Number(new URL(redis.url).port)), (gate) => gate.close()),
      }
      const env = { ...secrets, SECURECHAT_DATABASE_URL: through(postgres.url, gates.postgres), SECURECHAT_REDIS_URL: through(redis.url, gates.redis) }
      nodes.push(closing(await startNode({ data: join(dir, String(i)), env, gates }), (node) => end(node)))
    }
    const ports = (): number[] => nodes.filter((node) => node.isRunning()).map(({ process }) => process.port)
    const balancer = closing(await startBalancer(ports), (one) => one.close())
    return {
      url: `http://127.0.0.1:${balancer.port}`,
      nodes,
      postgres,
      redis,
      code: (phone) => newestCode(nodes, phone),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface NodeInput {
  readonly data: string
  readonly env: Readonly<Record<string, string>>
  readonly gates: { readonly postgres: Gate; readonly redis: Gate }
}

async function startNode({ data, env, gates }: NodeInput): Promise<Node> {
  let own = env
  let process = await startServer({ data, env: own })
  let running = true
  const ended = (one: ServerProcess): void => {
    void one.exited.then(() => {
      if (one === process) running = false
    })
  }
  ended(process)
  const stop = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<unknown> => {
    const exited = process.kill(signal)
    if (signal === 'SIGKILL') running = false
    return exited
  }
  return {
    ...gates,
    get process() {
      return process
    },
    isRunning: () => running,
    async start(more = {}) {
      own = { ...own, ...more }
      process = await startServer({ data, env: own })
      running = true
      ended(process)
    },
    kill: () => stop('SIGKILL'),
    drain: () => stop('SIGTERM'),
    pause: () => void process.child.kill('SIGSTOP'),
    resume: () => void process.child.kill('SIGCONT'),
  }
}

async function end(node: Node): Promise<void> {
  node.resume()
  await node.kill()
}

/** Codes are printed by the node that was asked, which the balancer chose. */
async function newestCode(nodes: readonly Node[], phone: string): Promise<string> {
  const tries = 200
  for (let i = 0; i < tries; i++) {
    for (const { process } of nodes) {
      const line = process.lines.findLast((one) => one.includes(phone))
      const code = line && /\b(\d{6})\b(?!\d)/.exec(line.replace(phone, ''))?.[1]
      if (code) return code
    }
    await new Promise((done) => setTimeout(done, 25))
  }
  throw new Error('no node printed a code')
}
