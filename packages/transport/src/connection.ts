import {
  asSecureChatError,
  type Capabilities,
  challengeSchema,
  checkAs,
  decodeAs,
  decodeCounter,
  decodeDeliver,
  encodeFrame,
  encodeSend,
  encodeValue,
  type Frame,
  type FrameKind,
  helloSchema,
  type Logger,
  OPERATIONS,
  type Operation,
  type OperationInput,
  type OperationName,
  type OperationOutput,
  PROTOCOL_VERSIONS,
  readU32,
  SecureChatError,
  type SendFrame,
  silentLogger,
  welcomeSchema,
} from '@securechat/protocol'
import { Acknowledgements } from './acknowledgements.js'
import { copyRows, readError, readEvent, readFrame } from './incoming.js'
import { type Effect, type Input, initialState, type MachineState, step } from './machine.js'
import { type RequestBody, Requests, sized, type Transmit } from './requests.js'
import { snapshotOf } from './snapshot.js'
import { type SocketOwner, SocketSession } from './socket-session.js'
import { SteadyTime } from './steady-time.js'
import type { Call, CallOptions, Connection, ConnectionOptions, ConnectionSnapshot } from './types.js'

/** Above this many unsent bytes further calls wait: a slow line must not turn into memory. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024
/** Channels do not tell when they have drained. */
const DRAIN_POLL_MS = 50

/**
 * Keeps one signed-in socket to a server alive over any transport, and carries calls, sends and deliveries on it. What happens when
 * is decided by `machine.ts`; this file only obeys it. Starts nothing until `start()`.
 */
export function createConnection(options: ConnectionOptions): Connection {
  return new ConnectionDriver(options)
}

class ConnectionDriver implements Connection, SocketOwner {
  readonly #options: ConnectionOptions
  readonly #logger: Logger
  readonly #time: SteadyTime
  readonly #requests: Requests
  readonly #acknowledgements: Acknowledgements
  readonly #listeners = new Set<() => void>()
  readonly #inputs: Input[] = []
  #dispatching = false
  #machine: MachineState = initialState
  #snapshot: ConnectionSnapshot = Object.freeze({ status: 'stopped', serverTimeOffset: 0 })
  #session: SocketSession | null = null
  readonly #sessions = new Set<SocketSession>()
  #capabilities: Capabilities | null = null
  #serverTimeOffset = 0
  #rejected: SecureChatError | null = null
  #timer: { readonly due: number; readonly cancel: () => void } | null = null
  #drainTimer: (() => void) | null = null
  #endHints: (() => void) | null = null

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#logger = options.logger ?? silentLogger
    this.#time = new SteadyTime(options.clock)
    this.#requests = new Requests(options.clock, () => this.#release())
    this.#acknowledgements = new Acknowledgements(() => this.#acknowledge())
  }

  start(): void {
    this.#endHints ??= this.#options.transport.networkHints?.((online) => this.#dispatch({ type: 'hint', online })) ?? null
    this.#dispatch({ type: 'start' })
  }

  async stop(): Promise<void> {
    this.#endHints?.()
    this.#endHints = null
    this.#dispatch({ type: 'stop' })
    await Promise.all([...this.#sessions].map((session) => session.ended))
  }

  state(): ConnectionSnapshot {
    return this.#snapshot
  }

  subscribe(listener: () => void): () => void {
    // An own function each time: one listener subscribed twice is two subscriptions.
    const entry = (): void => listener()
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  retryNow(): void {
    this.#dispatch({ type: 'retry' })
  }

  reauthenticate(): void {
    this.#rejected = null
    this.#dispatch({ type: 'reauthenticate' })
  }

  readonly call: Call = (name, input, options) => this.#perform({ name, input, token: options?.registrationToken }, (request) => this.#submit(request, options))

  async send(frame: SendFrame, options?: CallOptions): Promise<{ readonly time: number }> {
    const answer = await this.#submit({ kind: 'send', body: sized(encodeSend(frame)), answer: 'sent' }, options)
    return { time: decodeCounter(answer) }
  }

  acknowledge(upTo: number): void {
    this.#acknowledgements.ask(upTo)
  }

  // -- calls

  async #perform<Name extends OperationName>(
    { name, input, token }: { name: Name; input: OperationInput<Name>; token?: string | undefined },
    submit: (request: RequestBody) => Promise<Uint8Array>,
  ): Promise<OperationOutput<Name>> {
    const operation: Operation = OPERATIONS[name]
    const checked = checkAs(operation.input, input)
    const body = sized(encodeValue(token === undefined ? [name, checked] : [name, checked, token]), operation.maxBytes)
    const answer = await submit({ kind: 'request', body, answer: 'response' })
    return decodeAs(operation.output, answer) as OperationOutput<Name>
  }

  async #submit(request: RequestBody, options: CallOptions = {}): Promise<Uint8Array> {
    const { phase, error, outdated } = this.#machine
    if (phase === 'stopped') throw new SecureChatError('network/closed', { detail: 'stopped' })
    if (phase === 'signed-out' || outdated) throw error ?? outdated ?? new SecureChatError('auth/required')
    const answer = this.#requests.submit(request, options)
    this.#release()
    return answer
  }

  #release(): void {
    const session = this.#session
    if (!session || this.#machine.phase !== 'online') return
    const hasRoom = (): boolean => session.bufferedBytes < HIGH_WATER_BYTES
    this.#requests.release(this.#transmitOn(session), hasRoom)
    if (this.#requests.waiting > 0 && !hasRoom() && !this.#drainTimer) {
      this.#drainTimer = this.#options.clock.after(DRAIN_POLL_MS, () => {
        this.#drainTimer = null
        this.#release()
      })
    }
  }

  #transmitOn(session: SocketSession): Transmit {
    return (kind, id, body) => session.send(encodeFrame(kind, id, body))
  }

  #acknowledge(): void {
    if (this.#session && this.#machine.phase === 'online') this.#acknowledgements.sayOn(this.#session)
  }

  // -- the machine

  /** One input after the other: what an effect brings about at once is handled after it. */
  #dispatch(input: Input): void {
    this.#inputs.push(input)
    if (this.#dispatching) return
    this.#dispatching = true
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        const drawsJitter = next.type === 'failed' || next.type === 'tick'
        const jitter = drawsJitter ? readU32(this.#options.random(4), 0) / 0x1_0000_0000 : 0
        const { state, effects } = step(this.#machine, next, { now: this.#now(next), jitter })
        this.#machine = state
        for (const effect of effects) this.#obey(effect)
        this.#arm()
        this.#publish()
      }
    } finally {
      this.#dispatching = false
    }
  }

  /** A timer that fired is due, whatever rounding the platform's clock and timers have between them. */
  #now(input: Input): number {
    const now = this.#time.now()
    if (input.type !== 'tick' || !this.#timer) return now
    const { due } = this.#timer
    this.#timer = null
    return Math.max(now, due)
  }

  #obey(effect: Effect): void {
    switch (effect.type) {
      case 'open':
        return this.#open(effect.socket)
      case 'close': {
        this.#logger.info('connection.closed', { code: effect.error.code, detail: effect.error.detail ?? '' })
        this.#session?.close()
        this.#session = null
        return this.#requests.disconnected(new SecureChatError('network/closed', { cause: effect.error }))
      }
      case 'login':
        // Every failure in it becomes an input of the machine.
        return void this.#signIn(this.#session)
      case 'ping':
        if (this.#session) this.#acknowledgements.repeatOn(this.#session)
        return this.#session?.send(encodeFrame('ping', this.#requests.takeId()))
      case 'reject-waiting':
        return this.#requests.rejectWaiting(effect.error)
      case 'release':
        this.#acknowledge()
        return this.#release()
    }
  }

  #open(number: number): void {
    const session = new SocketSession(number, this, this.#options.transport)
    this.#session = session
    this.#sessions.add(session)
    void session.ended.then(() => this.#sessions.delete(session))
  }

  #arm(): void {
    const { deadline } = this.#machine
    if (deadline === null) {
      this.#timer?.cancel()
      this.#timer = null
      return
    }
    // A deadline that moves away with every frame must not cost a timer each: an early tick looks and arms again.
    if (this.#timer && this.#timer.due <= deadline) return
    this.#timer?.cancel()
    const cancel = this.#options.clock.after(Math.max(0, deadline - this.#time.now()), () => this.#dispatch({ type: 'tick' }))
    this.#timer = { due: deadline, cancel }
  }

  #publish(): void {
    const before = this.#snapshot
    this.#snapshot = snapshotOf(
      this.#machine,
      {
        account: this.#session?.welcome?.account,
        capabilities: this.#capabilities,
        serverTimeOffset: this.#serverTimeOffset,
        toWall: (time) => this.#time.toWall(time),
      },
      before,
    )
    if (this.#snapshot === before) return
    if (this.#snapshot.status !== before.status) this.#logger.debug('connection.status', { status: this.#snapshot.status })
    for (const listener of [...this.#listeners]) this.#guard('connection.listener-failed', listener)
  }

  /** A caller's function that throws is the caller's fault and must not harm the connection. */
  #guard(event: string, run: () => void): SecureChatError | null {
    try {
      run()
      return null
    } catch (error) {
      const typed = asSecureChatError(error, 'client/invalid-argument')
      this.#logger.error(event, { code: typed.code })
      return typed
    }
  }

  // -- the login

  async #signIn(session: SocketSession | null): Promise<void> {
    if (!session?.challenge) return
    const { login: logIn, cursor: readCursor, client } = this.#options
    // The machine's step that asked for this ends first; what follows may already bring the next input.
    await null
    try {
      const login = logIn
        ? await logIn({
            challenge: session.challenge,
            call: this.#callBeforeHello(session),
            signal: session.signal,
            ...(this.#rejected && { rejected: this.#rejected }),
          })
        : null
      if (session !== this.#session) return
      const cursor = login ? await readCursor() : null
      if (session !== this.#session) return
      const hello = { versions: [...PROTOCOL_VERSIONS], ...(client !== undefined && { client }), ...(login && { login }), ...(cursor !== null && { cursor }) }
      const body = encodeValue(checkAs(helloSchema, hello))
      session.cursor = cursor
      session.delivered = cursor ?? 0
      session.acknowledged = session.delivered
      session.helloId = this.#requests.takeId()
      this.#dispatch({ type: 'greeted', socket: session.number })
      session.send(encodeFrame('hello', session.helloId, body))
    } catch (error) {
      this.#dispatch({ type: 'failed', socket: session.number, by: 'login', error: asSecureChatError(error, 'client/invalid-argument') })
    }
  }

  #callBeforeHello(session: SocketSession): Call {
    return async (name, input, options = {}) => {
      if (session !== this.#session || this.#machine.phase !== 'login') throw new SecureChatError('network/closed', { detail: 'login is over' })
      if (OPERATIONS[name].auth !== 'none') throw new SecureChatError('auth/required')
      return this.#perform({ name, input }, (request) => this.#requests.submit(request, options, this.#transmitOn(session)))
    }
  }

  // -- the socket's events

  onOpened(session: SocketSession): void {
    this.#dispatch({ type: 'opened', socket: session.number })
  }

  onFailed(session: SocketSession, error: SecureChatError): void {
    this.#dispatch({ type: 'failed', socket: session.number, by: 'network', error })
  }

  /** Never throws: what a frame does wrong ends its socket with a typed error. */
  onFrame(session: SocketSession, bytes: Uint8Array): void {
    if (session !== this.#session) return
    try {
      this.#dispatch({ type: 'heard', socket: session.number })
      const frame = readFrame(bytes, session.welcome?.capabilities.versions ?? [])
      if (frame) this.#receive(session, frame)
    } catch (error) {
      this.onFailed(session, asSecureChatError(error, 'protocol/malformed'))
    }
  }

  #receive(session: SocketSession, { kind, id, body }: Frame): void {
    switch (kind) {
      case 'challenge':
        this.#expect(kind, this.#machine.phase === 'greeting')
        session.challenge = decodeAs(challengeSchema, body).challenge
        return this.#dispatch({ type: 'challenged', socket: session.number })
      case 'welcome':
        this.#expect(kind, this.#machine.phase === 'hello')
        return this.#welcomed(session, body)
      case 'response':
      case 'sent':
        return this.#requests.answered(kind, id, body)
      case 'error':
        return this.#refused(session, id, readError(body))
      case 'deliver':
        this.#expect(kind, this.#machine.phase === 'online' && session.cursor !== null)
        return this.#delivered(session, id, body)
      case 'event':
        return this.#happened(session, body)
      case 'ping':
        return session.send(encodeFrame('pong', id))
      case 'pong':
        return
      default:
        return this.#expect(kind, false)
    }
  }

  #expect(kind: FrameKind, allowed: boolean): void {
    if (!allowed) throw new SecureChatError('protocol/out-of-order', { detail: kind })
  }

  #welcomed(session: SocketSession, body: Uint8Array): void {
    const welcome = decodeAs(welcomeSchema, body)
    if (!(PROTOCOL_VERSIONS as readonly number[]).includes(welcome.version)) throw new SecureChatError('protocol/unsupported-version', { detail: 'welcome' })
    if ((welcome.account !== undefined) !== (session.cursor !== null)) throw new SecureChatError('protocol/malformed', { detail: 'account of the welcome' })
    session.welcome = welcome
    this.#rejected = null
    this.#capabilities = welcome.capabilities
    this.#serverTimeOffset = welcome.time - this.#options.clock.now()
    this.#acknowledgements.belongTo(welcome.account ? `${welcome.account.accountId}/${welcome.account.deviceId}` : null)
    this.#dispatch({ type: 'welcomed', socket: session.number })
  }

  #refused(session: SocketSession, id: number, error: SecureChatError): void {
    const aboutConnection = id === 0 || id === session.helloId
    if (!aboutConnection) this.#requests.refused(id, error)
    else if (error.code.startsWith('auth/')) this.#rejected = error
    if (aboutConnection || error.code === 'server/draining') this.#dispatch({ type: 'failed', socket: session.number, by: 'server', error })
  }

  #delivered(session: SocketSession, id: number, body: Uint8Array): void {
    const rows = decodeDeliver(body)
    if (!session.deliveries.accept(id) || rows.length === 0) return
    const failure = this.#guard('connection.deliver-failed', () => this.#options.onDeliver(copyRows(rows)))
    if (failure) return this.onFailed(session, failure)
    session.delivered = Math.max(session.delivered, rows[rows.length - 1]!.sequence)
    // A redelivery of what was acknowledged on an earlier socket is said again here.
    this.#acknowledge()
  }

  #happened(session: SocketSession, body: Uint8Array): void {
    const event = readEvent(body)
    if (!event) return
    this.#guard('connection.event-failed', () => this.#options.onEvent(event))
    if (event.type === 'draining') this.#dispatch({ type: 'failed', socket: session.number, by: 'server', error: new SecureChatError('server/draining') })
    if (event.type === 'revoked') this.#dispatch({ type: 'failed', socket: session.number, by: 'server', error: new SecureChatError('auth/revoked') })
  }
}
