import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { LineProcess } from './processes.js'

const EXAMPLE = resolve(import.meta.dirname, '../../../examples/ratchet-only')

export const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value)
export const textOf = (value: Uint8Array | undefined): string => new TextDecoder().decode(value)

/** As src/wire.ts of the example: n × (u32be length ‖ bytes). */
export function fieldsOf(bytes: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(bytes)
  const fields: Uint8Array[] = []
  for (let at = 0; at < buffer.length; at += 4 + buffer.readUInt32BE(at))
    fields.push(Uint8Array.from(buffer.subarray(at + 4, at + 4 + buffer.readUInt32BE(at))))
  return fields
}
export function fields(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const pieces = parts.flatMap((part) => {
    const bytes = typeof part === 'string' ? utf8(part) : part
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return [length, bytes]
  })
  return Uint8Array.from(Buffer.concat(pieces))
}

interface Mailbox {
  keys: readonly Uint8Array[]
  oneTime: Uint8Array[]
  readonly rows: Map<number, Uint8Array>
  socket: Socket | null
  /** Where somebody of the test itself reads. */
  listener: ((from: string, body: Uint8Array) => void) | null
}

/** The relay of examples/ratchet-only in the hands of the test: it knows what a relay knows, and does with it what it likes. */
export class HostileRelay {
  readonly #server: Server
  readonly #mailboxes = new Map<string, Mailbox>()
  readonly #sockets = new Set<Socket>()
  #row = 0
  /** Containers as they were uploaded, oldest first. */
  readonly blobs: Uint8Array[] = []
  readonly #names = new Map<string, Uint8Array>()
  /** What a download gets in place of the container. */
  onDownload: (container: Uint8Array) => Uint8Array = (container) => container
  /** Every row on its way: what is delivered in its place. */
  onSend: (send: { from: string; to: string; body: Uint8Array }) => readonly Uint8Array[] = ({ body }) => [body]

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket))
  }

  static async start(): Promise<HostileRelay> {
    const relay = new HostileRelay()
    await new Promise<void>((done) => relay.#server.listen(0, '127.0.0.1', done))
    return relay
  }

  get port(): number {
    const address = this.#server.address()
    if (!address || typeof address === 'string') throw new Error('the relay does not listen')
    return address.port
  }

  mailbox(name: string): Mailbox {
    const known = this.#mailboxes.get(name) ?? { keys: [], oneTime: [], rows: new Map(), socket: null, listener: null }
    this.#mailboxes.set(name, known)
    return known
  }

  /** A row of anything, in anybody's name. */
  deliver(to: string, from: string, body: Uint8Array): void {
    const mailbox = this.mailbox(to)
    if (mailbox.listener) return mailbox.listener(from, body)
    const row = ++this.#row
    const frame = fields('row', String(row), from, body)
    mailbox.rows.set(row, frame)
    if (mailbox.socket) this.#frame(mailbox.socket, frame)
  }

  #frame(socket: Socket, body: Uint8Array): void {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    socket.write(Buffer.concat([length, body]))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    let buffered: Buffer = Buffer.alloc(0)
    let upload: string | null = null
    const state = { name: '' }
    // Participants that end or are killed are part of the tests.
    socket.on('error', () => socket.destroy())
    socket.on('data', (piece: Buffer) => {
      buffered = Buffer.concat([buffered, piece])
      while (upload === null && buffered.length >= 4 && buffered.length >= 4 + buffered.readUInt32BE(0)) {
        const end = 4 + buffered.readUInt32BE(0)
        const [type, ...rest] = fieldsOf(buffered.subarray(4, end))
        buffered = buffered.subarray(end)
        if (textOf(type) === 'put') upload = textOf(rest[0])
        else this.#answer(socket, state, [textOf(type), ...rest])
      }
    })
    socket.on('end', () => {
      if (upload === null) return void socket.end()
      this.#names.set(upload, Uint8Array.from(buffered))
      this.blobs.push(Uint8Array.from(buffered))
      this.#frame(socket, fields('answer'))
      socket.end()
    })
  }

  #answer(socket: Socket, state: { name: string }, [type, first, second, third, ...more]: readonly [string, ...Uint8Array[]]): void {
    if (type === 'hello') {
      state.name = textOf(first)
      const mailbox = this.mailbox(state.name)
      mailbox.socket = socket
      this.#frame(socket, fields('answer'))
      for (const frame of mailbox.rows.values()) this.#frame(socket, frame)
    } else if (type === 'publish') {
      Object.assign(this.mailbox(state.name), { keys: [first, second, third], oneTime: more })
      this.#frame(socket, fields('answer'))
    } else if (type === 'manifest') {
      this.#frame(socket, fields('answer', ...this.mailbox(textOf(first)).keys.slice(0, 1)))
    } else if (type === 'fetch') {
      const { keys, oneTime } = this.mailbox(textOf(first))
      this.#frame(socket, fields('answer', ...keys, ...oneTime.splice(0, 1)))
    } else if (type === 'send' && second && third) {
      const [from, to] = [state.name, textOf(second)]
      for (const body of this.onSend({ from, to, body: third })) this.deliver(to, from, body)
      this.#frame(socket, fields('answer'))
    } else if (type === 'acknowledge') {
      this.mailbox(state.name).rows.delete(Number(textOf(first)))
    } else if (type === 'get') {
      socket.end(this.onDownload(this.#names.get(textOf(first)) ?? new Uint8Array(0)))
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((done) => this.#server.close(done))
  }
}

export interface Person {
  readonly process: LineProcess
  readonly folder: string
  do(command: string): void
  /** From the lines that have not been looked at. */
  sees(pattern: RegExp): Promise<string>
  /** Names of what lies in its folder of received files, whole or not. */
  files(): Promise<string[]>
}

/** Processes of the example around one hostile relay; `end` ends them and removes their folders. */
export async function ratchetOnly() {
  const root = await mkdtemp(join(tmpdir(), 'hostile-relay-'))
  const relay = await HostileRelay.start()
  const people: Person[] = []
  const person = async (name: string): Promise<Person> => {
    const args = ['--conditions=@securechat/source', '--import', 'tsx', 'src/person.ts', name, join(root, name), String(relay.port)]
    const process_ = new LineProcess(spawn(process.execPath, args, { cwd: EXAMPLE, stdio: ['pipe', 'pipe', 'pipe'] }))
    let from = 0
    const one: Person = {
      process: process_,
      folder: join(root, name),
      do: (command) => process_.write(command),
      sees: async (pattern) => {
        const at = await process_.waitFor((line) => (pattern.test(line) ? process_.lines.indexOf(line, from) : undefined), {
          from,
          what: String(pattern),
          timeoutMs: 60_000,
        })
        from = at + 1
        return process_.lines[at]!
      },
      files: async () => (await readdir(join(root, name, 'files')).catch(() => [])).sort(),
    }
    people.push(one)
    await one.sees(/^ready: /)
    return one
  }
  return {
    root,
    relay,
    person,
    async end(): Promise<void> {
      for (const one of people) await one.process.kill()
      await relay.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}
