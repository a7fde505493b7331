import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = resolve(import.meta.dirname, '../../..')
export const SERVER_BIN = resolve(ROOT, 'packages/server-node/dist/bin.js')
export const TERMINAL_BIN = resolve(ROOT, 'examples/cli-chat/dist/bin.js')

/** A child process read line by line. Waiting looks at lines already seen first, from a cursor, so that none is missed. */
export class LineProcess {
  readonly lines: string[] = []
  readonly exited: Promise<number | NodeJS.Signals>
  private readonly waiters = new Set<() => void>()
  private ended = false

  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line)
        this.wake()
      })
    }
    // Writing to a process that was just killed is part of these tests.
    child.stdin?.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error
    })
    this.exited = new Promise((done) => {
      child.once('exit', (code, signal) => {
        this.ended = true
        this.wake()
        done(signal ?? code ?? 0)
      })
    })
  }

  private wake(): void {
    for (const waiter of [...this.waiters]) waiter()
  }

  /** The first result that is not undefined, over the lines from `from` on. Rejects with the output's tail when time runs out or the process ends. */
  async waitFor<T>(match: (line: string) => T | undefined, options: { from?: number; timeoutMs?: number; what?: string } = {}): Promise<T> {
    let at = options.from ?? 0
    const end = Date.now() + (options.timeoutMs ?? 30_000)
    for (;;) {
      for (; at < this.lines.length; at++) {
        const found = match(this.lines[at] as string)
        if (found !== undefined) return found
      }
      const left = end - Date.now()
      if (left <= 0 || this.ended) {
        throw new Error(
          `${this.ended ? 'process ended' : 'timed out'} waiting for ${options.what ?? 'a line'}; last lines:\n${this.lines.slice(-15).join('\n')}`,
        )
      }
      await new Promise<void>((done) => {
        const timer = setTimeout(finish, left)
        const waiters = this.waiters
        function finish(): void {
          clearTimeout(timer)
          waiters.delete(finish)
          done()
        }
        waiters.add(finish)
      })
    }
  }

  write(line: string): void {
    this.child.stdin?.write(`${line}\n`)
  }

  /** Resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | NodeJS.Signals> {
    if (!this.ended) this.child.kill(signal)
    return this.exited
  }
}

export interface ServerProcess extends LineProcess {
  url: string
  port: number
  /** The newest one-time code that the server printed for the number. */
  code(phone: string): Promise<string>
}

export interface ServerOptions {
  readonly data: string
  readonly port?: number
  readonly staticDir?: string
  /** Runs the server under another command, e.g. a tracer. */
  readonly wrap?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts the built reference server in development mode on loopback; `port` 0 lets the system choose. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const [command = process.execPath, ...prefix] = [...(options.wrap ?? []), process.execPath]
  const args = [
    ...prefix,
    SERVER_BIN,
    '--dev',
    '--port',
    String(options.port ?? 0),
    '--data',
    options.data,
    ...(options.staticDir ? ['--static', options.staticDir] : []),
  ]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PORT: '', ...options.env } })
  const server = new LineProcess(child) as ServerProcess
  server.url = await server.waitFor((line) => /https?:\/\/localhost:\d+/.exec(line)?.[0], { what: 'the server’s URL' })
  server.port = Number(new URL(server.url).port)
  let from = 0
  server.code = async (phone) => {
    const found = await server.waitFor(
      (line) => {
        from++
        return line.includes(phone) ? /\b(\d{6})\b(?!\d)/.exec(line.replace(phone, ''))?.[1] : undefined
      },
      { from, what: 'a one-time code' },
    )
    return found
  }
  return server
}

export interface TerminalEvent {
  readonly event: string
  readonly [field: string]: unknown
}

export interface TerminalProcess extends LineProcess {
  event(match: (event: TerminalEvent) => boolean, options?: { from?: number; timeoutMs?: number; what?: string }): Promise<TerminalEvent>
  events(): TerminalEvent[]
}

const parse = (line: string): TerminalEvent | undefined => {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as TerminalEvent
  } catch {
    // The last line of a killed process may be cut in its middle.
    return undefined
  }
}

/** Starts the built terminal client with its store in a file. */
export function startTerminal(options: { server: string; store: string }): TerminalProcess {
  const child = spawn(process.execPath, [TERMINAL_BIN, '--json', '--server', options.server, '--store', options.store], { stdio: ['pipe', 'pipe', 'pipe'] })
  const terminal = new LineProcess(child) as TerminalProcess
  terminal.event = (match, waitOptions) =>
    terminal.waitFor((line) => {
      const event = parse(line)
      return event && match(event) ? event : undefined
    }, waitOptions)
  terminal.events = () => terminal.lines.map(parse).filter((event) => event !== undefined)
  return terminal
}

/** Signs a new terminal in and waits until it is ready. */
export async function signInTerminal(server: ServerProcess, options: { store: string; phone: string; name: string }): Promise<TerminalProcess> {
  const terminal = startTerminal({ server: server.url, store: options.store })
  terminal.write(options.phone)
  await terminal.event(({ event }) => event === 'code-sent', { what: 'the code being sent' })
  terminal.write(await server.code(options.phone))
  terminal.write(options.name)
  await terminal.event(({ event }) => event === 'ready', { what: 'the terminal being ready' })
  return terminal
}
