import {
  decodeAs,
  decodeCounter,
  decodeFrame,
  decodeSend,
  decodeValue,
  encodeFrame,
  encodeValue,
  FRAME_HEADER_BYTES,
  type Frame,
  helloSchema,
  isOperationName,
  isSecureChatError,
  LIMITS,
  type MailboxRow,
  maxInputBytes,
  PROTOCOL_VERSIONS,
  readU32,
  SecureChatError,
  type ServerEvent,
  writeFrameHeader,
  writeU64,
} from '@securechat/protocol'
import type { Caller, DeviceCaller } from '../caller.js'
import { errorBodyOf } from '../error-body.js'
import { sendCost } from '../mailbox/mailbox.js'
import { countCall } from '../ports/metrics.js'
import { CLOSE_CODES, type ServerSocket, type ServerSocketHandlers } from '../ports/socket.js'
import type { Runtime, SocketEnvironment } from '../runtime.js'
import { Delivery } from './delivery.js'
import type { RegisteredSocket } from './registry.js'

/** Calls and bytes in progress of one socket; beyond them `request/rate-limited`. */
const MAX_IN_FLIGHT = 2_048
const MAX_IN_FLIGHT_BYTES = 16 * 1024 * 1024
/** Frames and bytes that wait while a hello is checked. */
const MAX_WAITING = 1_024
/** Bytes queued for a client that does not read; then the socket is closed. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024
/** Bytes of a request's name and registration token, and of their framing. */
const REQUEST_ENVELOPE_BYTES = 4 * 1024
/** Malformed frames of one socket; then it is closed. */
const MAX_MALFORMED = 100
/** Milliseconds without a frame after which the server asks, and as long again until it closes. */
const SILENCE_MS = 2 * LIMITS.heartbeatSeconds * 1000

const encodeResponse = (id: number, output: unknown): Uint8Array => encodeFrame('response', id, encodeValue(output))

/** Time that calls under way are given when the session ends. */
const REVOKED_ANSWER_MS = 2_000

/** One socket: frames in, frames out (docs/protocol/06-transport.md). Nothing in here throws to the host. */
export class Connection implements ServerSocketHandlers, RegisteredSocket {
  device: DeviceCaller | undefined
  #caller: Caller
  #delivery: Delivery | undefined
  #runtime: Runtime | undefined
  /** Frames that wait for the runtime or for a hello that is being checked. */
  #waiting: Uint8Array[] | undefined = []
  #waitingBytes = 0
  #closed = false
  #greeted = false
  #malformed = 0
  #inFlight = 0
  #inFlightBytes = 0
  #lastFrameAt: number
  #pinged = false
  readonly #stopHelloTimer: () => void
  #revoked = false

  constructor(
    readonly id: string,
    private readonly socket: ServerSocket,
    private readonly environment: SocketEnvironment & { readonly challenge: Uint8Array; readonly address: string },
  ) {
    const { clock, challenge, address } = environment
    this.#caller = { address }
    this.#lastFrameAt = clock.now()
    this.#stopHelloTimer = clock.after(LIMITS.helloSeconds * 1000, () => {
      if (!this.#greeted) this.#fail(new SecureChatError('request/timeout', { detail: 'hello' }), CLOSE_CODES.timeout)
    })
    this.#send(encodeFrame('challenge', 0, encodeValue({ challenge, time: clock.now() })))
  }

  /** Called once, when the server is ready; frames that came before are handled now. */
  open(runtime: Runtime): void {
    this.#runtime = runtime
    this.#resume()
  }

  /** The server cannot start: nobody is served. */
  unavailable(): void {
    this.#fail(new SecureChatError('server/unavailable'), CLOSE_CODES.unavailable)
  }

  onMessage(bytes: Uint8Array): void {
    if (this.#closed || this.#revoked) return
    this.#lastFrameAt = this.environment.clock.now()
    this.#pinged = false
    if (!this.#waiting) {
      this.#receive(bytes)
      return
    }
    this.#waitingBytes += bytes.length
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes > MAX_IN_FLIGHT_BYTES)
      this.#fail(new SecureChatError('request/rate-limited', { retryAfterSeconds: 1 }), CLOSE_CODES.protocol)
    else this.#waiting.push(bytes)
  }

  onClose(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopHelloTimer()
    this.#delivery?.stop()
    this.#waiting = []
    this.environment.registry.remove(this)
  }

  offer(row: MailboxRow): void {
    this.#delivery?.offer(row)
  }

  wake(sequence: number): void {
    this.#delivery?.wake(sequence)
  }

  notify(event: ServerEvent): void {
    this.#send(encodeFrame('event', 0, encodeValue(event)))
  }

  /** Serves nothing from now on. What was under way is answered first: one of these calls may be what has ended the session. */
  revoke(): void {
    if (this.#closed || this.#revoked) return
    this.#revoked = true
    this.#delivery?.stop()
    if (this.#inFlight === 0) return this.#endRevoked()
    this.environment.clock.after(REVOKED_ANSWER_MS, () => this.#endRevoked())
  }

  #endRevoked(): void {
    this.notify({ type: 'revoked' })
    this.close(CLOSE_CODES.revoked, 'revoked')
  }

  close(code: number, reason: string): void {
    if (this.#closed) return
    this.onClose()
    this.socket.close(code, reason)
  }

  recheck(): void {
    this.#delivery?.look()
    this.#checkSession()
  }

  checkSilence(): void {
    const silent = this.environment.clock.now() - this.#lastFrameAt
    if (silent >= 2 * SILENCE_MS) this.close(CLOSE_CODES.timeout, 'timeout')
    else if (silent >= SILENCE_MS && !this.#pinged) {
      this.#pinged = true
      this.#send(encodeFrame('ping', 0))
    }
  }

  #send(frame: Uint8Array): void {
    if (this.#closed) return
    if (this.socket.bufferedBytes > MAX_BUFFERED_BYTES) this.close(CLOSE_CODES.slow, 'slow')
    else this.socket.send(frame)
  }

  #error(id: number, error: unknown): void {
    this.#send(encodeFrame('error', id, encodeValue(errorBodyOf(error, this.environment.logger))))
  }

  /** Says why, then closes. */
  #fail(error: SecureChatError, code: number): void {
    this.#error(0, error)
    this.close(code, error.code)
  }

  #resume(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    this.#waitingBytes = 0
    for (let i = 0; i < waiting.length; i++) {
      // A hello among them makes the rest wait again.
      if (this.#waiting) this.onMessage(waiting[i]!)
      else this.#receive(waiting[i]!)
    }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#closed) return
    let frame: Frame
    try {
      frame = decodeFrame(bytes)
    } catch (error) {
      this.#refuse(bytes, error)
      return
    }
    try {
      this.#handle(frame)
    } catch (error) {
      if (!isSecureChatError(error, 'request/rate-limited')) this.#countMalformed()
      this.#error(frame.id, error)
    }
  }

  /** An unknown kind is a newer client's and gets an error of its own; what cannot be read at all ends the connection. */
  #refuse(bytes: Uint8Array, error: unknown): void {
    const typed = error instanceof SecureChatError ? error : new SecureChatError('server/internal', { cause: error })
    if (typed.code !== 'protocol/malformed') {
      this.#fail(typed, typed.code === 'protocol/too-large' ? CLOSE_CODES.tooLarge : CLOSE_CODES.protocol)
      return
    }
    this.#countMalformed()
    this.#error(bytes.length >= FRAME_HEADER_BYTES ? readU32(bytes, 2) : 0, typed)
  }

  #countMalformed(): void {
    if (++this.#malformed >= MAX_MALFORMED) this.#fail(new SecureChatError('request/rate-limited', { retryAfterSeconds: 60 }), CLOSE_CODES.protocol)
  }

  #handle(frame: Frame): void {
    switch (frame.kind) {
      case 'send':
        this.#handleSend(frame)
        return
      case 'acknowledge':
        this.#requireDelivery().acknowledge(decodeCounter(frame.body))
        return
      case 'request':
        this.#handleRequest(frame)
        return
      case 'hello':
        this.#waiting = []
        void this.#handleHello(frame)
        return
      case 'ping':
        this.#send(encodeFrame('pong', frame.id))
        // Should a message of the bus have been lost, what it said is found now.
        this.recheck()
        return
      case 'pong':
        return
      default:
        throw new SecureChatError('protocol/out-of-order', { detail: 'frame kind' })
    }
  }

  #requireDelivery(): Delivery {
    if (!this.#delivery) throw new SecureChatError('auth/required')
    return this.#delivery
  }

  /** Runs a call and answers with its frame or an error; counts it while it runs. */
  #run<T>(frame: Frame, call: () => Promise<T>, encode: (id: number, value: T) => Uint8Array): void {
    const { id } = frame
    const size = frame.body.length
    const { inFlight } = this.environment
    if (inFlight.stopping) return this.#error(id, new SecureChatError('server/draining'))
    if (this.#inFlight >= MAX_IN_FLIGHT || this.#inFlightBytes + size > MAX_IN_FLIGHT_BYTES) {
      return this.#error(id, new SecureChatError('request/rate-limited', { retryAfterSeconds: 1 }))
    }
    this.#inFlight++
    this.#inFlightBytes += size
    inFlight.begin()
    const done = (): void => {
      this.#inFlight--
      this.#inFlightBytes -= size
      inFlight.end()
    }
    call().then(
      (value) => {
        done()
        try {
          this.#send(encode(id, value))
        } catch (error) {
          this.#error(id, error)
        }
        if (this.#revoked && this.#inFlight === 0) this.#endRevoked()
      },
      (error: unknown) => {
        done()
        this.#error(id, error)
        if (this.#revoked && this.#inFlight === 0) this.#endRevoked()
      },
    )
  }

  #handleSend(frame: Frame): void {
    const { device } = this
    if (!device) throw new SecureChatError('auth/required')
    const send = decodeSend(frame.body)
    const { dispatcher, mailbox } = this.#runtime!
    const charged = dispatcher.charge('send', this.#caller, sendCost(send))
    const deliver = (): Promise<number> => (charged ? charged.then(() => mailbox.send(send, device)) : mailbox.send(send, device))
    this.#run(frame, () => countCall(this.environment, 'mailbox.send', deliver()), this.#encodeSent)
  }

  #encodeSent = (id: number, time: number): Uint8Array => {
    const frame = this.environment.slab.take(FRAME_HEADER_BYTES + 8)
    writeFrameHeader(frame, 'sent', id)
    writeU64(frame, FRAME_HEADER_BYTES, time)
    return frame
  }

  #handleRequest(frame: Frame): void {
    const value = decodeValue(frame.body)
    if (!Array.isArray(value) || value.length < 2 || value.length > 3) throw new SecureChatError('protocol/malformed', { detail: 'request' })
    const [name, input, registrationToken] = value as unknown[]
    if (!isOperationName(name)) throw new SecureChatError('protocol/unknown-operation')
    // The frame is held until the call ends, which may be as long as a sender of codes takes.
    if (frame.body.length > maxInputBytes(name) + REQUEST_ENVELOPE_BYTES) throw new SecureChatError('protocol/too-large', { detail: 'input' })
    if (registrationToken !== undefined && typeof registrationToken !== 'string')
      throw new SecureChatError('protocol/malformed', { detail: 'registration token' })
    const caller: Caller = registrationToken === undefined ? this.#caller : { ...this.#caller, registrationToken }
    this.#run(frame, () => this.#runtime!.dispatcher.call(name, input, caller), encodeResponse)
  }

  async #handleHello(frame: Frame): Promise<void> {
    const { clock, registry, inFlight } = this.environment
    const runtime = this.#runtime!
    inFlight.begin()
    try {
      const hello = decodeAs(helloSchema, frame.body)
      const version = PROTOCOL_VERSIONS.find((known) => hello.versions.includes(known))
      if (version === undefined) {
        this.#error(frame.id, new SecureChatError('protocol/unsupported-version'))
        this.close(CLOSE_CODES.protocol, 'protocol/unsupported-version')
        return
      }
      let device: DeviceCaller | undefined
      if (hello.login) {
        if (this.device) throw new SecureChatError('protocol/out-of-order', { detail: 'second login' })
        await runtime.dispatcher.charge('connect', this.#caller)
        const { signingKey, ...session } = await runtime.sessions.authenticate(hello.login.accessToken)
        runtime.verifier.verifySocketProof({ signingKey, challenge: this.environment.challenge, ...hello.login })
        device = session
      }
      if (this.#closed) return
      this.#greeted = true
      this.#stopHelloTimer()
      const signedIn = device ?? this.device
      const account = signedIn && { accountId: signedIn.accountId, deviceId: signedIn.deviceId }
      this.#send(encodeFrame('welcome', frame.id, encodeValue({ version, time: clock.now(), capabilities: runtime.capabilities, ...(account && { account }) })))
      if (device) this.#signedIn(device, hello.cursor)
    } catch (error) {
      this.#countMalformed()
      this.#error(frame.id, error)
    } finally {
      inFlight.end()
      if (this.#closed) registry.remove(this)
      else this.#resume()
    }
  }

  #signedIn(device: DeviceCaller, cursor: number | undefined): void {
    const { clock, logger, registry, bus, slab, metrics } = this.environment
    const runtime = this.#runtime!
    this.device = device
    this.#caller = { ...this.#caller, device }
    registry.signIn(this, device.accountId, device.deviceId)
    bus.publish({ type: 'connected', accountId: device.accountId, deviceId: device.deviceId, connection: this.id })
    const { socket } = this
    this.#delivery = new Delivery(
      {
        store: runtime.store,
        clock,
        logger,
        device,
        slab,
        send: (bytes) => this.#send(bytes),
        bufferedBytes: () => socket.bufferedBytes,
        ...(metrics && { metrics }),
      },
      cursor ?? 0,
    )
    if (cursor) this.#delivery.acknowledgeStored(cursor)
    this.#delivery.look()
    runtime.presence.note(device)
    runtime.preKeys.remind(device).catch(() => logger.warn('prekey-reminder-failed'))
    // A revocation between the check of the token and the registration above found no socket to close.
    this.#checkSession()
  }

  /** Ends the socket of an ended session, should the message about it have been missed. */
  #checkSession(): void {
    const { device } = this
    if (!device) return
    this.#runtime!.store.session(device.sessionId).then(
      (session) => {
        if (!session) this.revoke()
      },
      () => this.environment.logger.warn('session-check-failed'),
    )
  }
}
