import { randomBytes } from 'node:crypto'
import {
  type AccountId,
  type Clock,
  type DeviceId,
  decodeDeliver,
  decodeFrame,
  decodeValue,
  encodeCounter,
  encodeFrame,
  encodeSend,
  encodeValue,
  type Frame,
  type FrameKind,
  type Logger,
  type MailboxRow,
  OPERATIONS,
  type OperationName,
  type OperationOutput,
  type SendFrame,
  toBase64Url,
} from '@securechat/protocol'
import { createServer, memoryStore, type Server, type ServerOptions, type ServerSocketHandlers } from '@securechat/server'
import { type SignedManifest, TestDevice } from './device.js'

export interface FakeClock extends Clock {
  /** Moves the time and fires what falls due. */
  advance(milliseconds: number): Promise<void>
}
export function fakeClock(start = 1_800_000_000_000): FakeClock {
  let now = start
  const timers = new Set<{ due: number; callback: () => void }>()
  return {
    now: () => now,
    after(milliseconds, callback) {
      const timer = { due: now + milliseconds, callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(milliseconds) {
      const end = now + milliseconds
      for (;;) {
        await turns()
        const next = [...timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
        if (!next) break
        timers.delete(next)
        now = Math.max(now, next.due)
        next.callback()
      }
      now = end
    },
  }
}

/** Lets everything run that is ready. Signatures of WebCrypto come by the thread pool, hence several rounds. */
export async function turns(rounds = 5): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((done) => setImmediate(done))
}

export async function until<T>(look: () => T | undefined | false, what = 'the condition'): Promise<T> {
  for (const end = performance.now() + 10_000; performance.now() < end; ) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await turns(1)
  }
  throw new Error(`waited in vain for ${what}`)
}

export const newId = <Id extends string>(): Id => toBase64Url(new Uint8Array(randomBytes(16))) as Id

export type Answer<Name extends OperationName> =
  | { ok: true; value: OperationOutput<Name> }
  | { ok: false; code: string; retryAfterSeconds?: number; detail?: string }

const ANSWERS: ReadonlySet<FrameKind> = new Set(['welcome', 'response', 'error', 'sent', 'pong'])

/** A client's end of an in-memory socket. */
export class TestSocket {
  readonly frames: Frame[] = []
  readonly rows: MailboxRow[] = []
  readonly events: { type: string }[] = []
  closed: { code: number; reason: string } | undefined
  bufferedBytes = 0
  readonly handlers: ServerSocketHandlers
  #next = 1

  constructor(server: Server, remoteAddress?: string) {
    const self = this
    this.handlers = server.connect(
      {
        send: (bytes) => this.#receive(bytes),
        close: (code, reason) => {
          this.closed = { code, reason }
        },
        get bufferedBytes() {
          return self.bufferedBytes
        },
      },
      remoteAddress === undefined ? {} : { remoteAddress },
    )
  }

  #receive(bytes: Uint8Array): void {
    const frame = decodeFrame(new Uint8Array(bytes))
    this.frames.push(frame)
    if (frame.kind === 'deliver') this.rows.push(...decodeDeliver(frame.body))
    if (frame.kind === 'event') this.events.push(decodeValue(frame.body) as { type: string })
  }

  raw(bytes: Uint8Array): void {
    this.handlers.onMessage(bytes)
  }

  send(kind: FrameKind, body?: Uint8Array): number {
    const id = this.#next++
    this.raw(encodeFrame(kind, id, body))
    return id
  }

  async answer(id: number): Promise<Frame> {
    return until(() => this.frames.find((frame) => frame.id === id && ANSWERS.has(frame.kind)), `an answer to frame ${id}`)
  }

  async challenge(): Promise<Uint8Array> {
    const frame = await until(() => this.frames.find(({ kind }) => kind === 'challenge'), 'the challenge')
    return (decodeValue(frame.body) as { challenge: Uint8Array }).challenge
  }

  async call<Name extends OperationName>(name: Name, input: unknown, registrationToken?: string): Promise<Answer<Name>> {
    const frame = await this.answer(this.send('request', encodeValue(registrationToken === undefined ? [name, input] : [name, input, registrationToken])))
    const value = decodeValue(frame.body)
    if (frame.kind === 'response') return { ok: true, value: value as OperationOutput<Name> }
    return { ok: false, ...(value as { code: string }) }
  }

  /** The welcome, or the error's code. */
  async hello(
    options: { user?: User; accessToken?: string; proof?: Uint8Array; cursor?: number; versions?: number[] } = {},
  ): Promise<{ welcome?: Record<string, unknown>; code?: string }> {
    const { user, versions = [1], cursor } = options
    const accessToken = options.accessToken ?? user?.accessToken
    const proof = options.proof ?? (user && accessToken ? user.device.socketProof(await this.challenge(), accessToken) : undefined)
    const login = accessToken !== undefined && proof ? { login: { accessToken, proof } } : {}
    const frame = await this.answer(this.send('hello', encodeValue({ versions, ...login, ...(cursor !== undefined && { cursor }) })))
    const value = decodeValue(frame.body) as Record<string, unknown>
    return frame.kind === 'welcome' ? { welcome: value } : { code: String(value['code']) }
  }

  /** 'sent', or the error's code. */
  async deliver(send: SendFrame): Promise<string> {
    const frame = await this.answer(this.send('send', encodeSend(send)))
    return frame.kind === 'sent' ? 'sent' : String((decodeValue(frame.body) as { code: string }).code)
  }

  acknowledge(upTo: number): number {
    return this.send('acknowledge', encodeCounter(upTo))
  }

  get errors(): { id: number; code: string }[] {
    return this.frames.filter(({ kind }) => kind === 'error').map(({ id, body }) => ({ id, code: (decodeValue(body) as { code: string }).code }))
  }
}

export interface User {
  readonly phone: string
  readonly accountId: AccountId
  readonly device: TestDevice
  readonly manifest: SignedManifest
  accessToken: string
  refreshToken: string
}

export interface LogLine {
  readonly level: string
  readonly event: string
  readonly fields: object
}

export interface Harness {
  readonly server: Server
  readonly clock: FakeClock
  readonly codes: Map<string, string>
  readonly logs: LogLine[]
  socket(remoteAddress?: string): TestSocket
  http(
    name: string,
    input: unknown,
    options?: { user?: User; registrationToken?: string; headers?: Record<string, string>; format?: 'json' | 'msgpack'; body?: Uint8Array<ArrayBuffer> },
    // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the tests assert.
  ): Promise<{ status: number; body: any; headers: Headers }>
  login(phone: string): Promise<OperationOutput<'auth.confirmCode'>>
  user(phone: string): Promise<User>
  signedIn(user: User, cursor?: number): Promise<TestSocket>
}

export function harness(options: Partial<ServerOptions> = {}): Harness {
  const clock = fakeClock()
  const codes = new Map<string, string>()
  const logs: LogLine[] = []
  const log =
    (level: string) =>
    (event: string, fields: object = {}) =>
      void logs.push({ level, event, fields })
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  const server = createServer({ store: memoryStore(), otp: { send: async ({ phone, code }) => void codes.set(phone, code) }, clock, logger, ...options })

  const http: Harness['http'] = async (name, input, { user, registrationToken, headers = {}, format = 'msgpack', body } = {}) => {
    const bytes = body ?? new Uint8Array(format === 'msgpack' ? encodeValue(input) : new TextEncoder().encode(JSON.stringify(input)))
    const auth: Record<string, string> = {}
    if (registrationToken !== undefined) auth['authorization'] = `SecureChat-Registration ${registrationToken}`
    if (user) {
      auth['authorization'] = `SecureChat ${user.accessToken}`
      auth['sc-proof'] = user.device.requestProof(name, bytes, { accessToken: user.accessToken, time: clock.now() })
    }
    const response = await server.fetch(
      new Request(`http://host/v1/${name}`, { method: 'POST', body: bytes, headers: { 'content-type': `application/${format}`, ...auth, ...headers } }),
    )
    const raw = new Uint8Array(await response.arrayBuffer())
    const type = response.headers.get('content-type')
    return {
      status: response.status,
      headers: response.headers,
      body: type === 'application/msgpack' ? decodeValue(raw) : JSON.parse(new TextDecoder().decode(raw)),
    }
  }

  const login: Harness['login'] = async (phone) => {
    const asked = await http('auth.requestCode', { phone })
    if (asked.status !== 200) throw new Error(`requestCode: ${asked.body.error.code}`)
    const confirmed = await http('auth.confirmCode', { loginId: asked.body.loginId, code: codes.get(phone) })
    if (confirmed.status !== 200) throw new Error(`confirmCode: ${confirmed.body.error.code}`)
    return confirmed.body
  }

  return {
    server,
    clock,
    codes,
    logs,
    http,
    login,
    socket: (remoteAddress) => new TestSocket(server, remoteAddress),
    async user(phone) {
      const { registrationToken, account } = await login(phone)
      const device = new TestDevice(account.accountId, account.nextDeviceId as DeviceId)
      const manifest = device.manifest(clock.now())
      const registered = await http(
        'account.register',
        { manifest: manifest.bytes, deviceId: device.deviceId, preKeys: device.preKeys(clock.now()) },
        { registrationToken },
      )
      if (registered.status !== 200) throw new Error(`register: ${registered.body.error.code} ${registered.body.error.detail}`)
      const { accessToken, refreshToken } = registered.body.tokens
      return { phone, accountId: account.accountId, device, manifest, accessToken, refreshToken }
    },
    async signedIn(user, cursor) {
      const socket = new TestSocket(server)
      const { code } = await socket.hello({ user, ...(cursor !== undefined && { cursor }) })
      if (code) throw new Error(`hello: ${code}`)
      return socket
    },
  }
}

export const envelope = (length = 100): Uint8Array => {
  const bytes = new Uint8Array(randomBytes(length))
  bytes[0] = 1
  return bytes
}

export const sendTo = (...recipients: readonly User[]): SendFrame => ({
  sendId: newId(),
  recipients: recipients.map(({ accountId, device, manifest }) => ({
    accountId,
    deviceId: device.deviceId,
    manifestVersion: manifest.version,
    envelope: envelope(),
  })),
})

export const operationNames = Object.keys(OPERATIONS) as OperationName[]
