import { type Clock, FRAME_HEADER_BYTES, type FrameKind, LIMITS, SecureChatError } from '@securechat/protocol'
import type { CallOptions } from './types.js'

/** Requests without an answer yet, on one socket: bounds what a dead socket can hold and what a server must keep. */
export const MAX_IN_FLIGHT = 256
/** Calls waiting for a socket or for a place among those in flight. */
export const MAX_WAITING = 1_024
const DEFAULT_TIMEOUT_MS = 30_000
/** Longest delay that every platform's timer takes (2³¹ − 1). */
const LONGEST_TIMER_MS = 2_147_483_647

export interface RequestBody {
  readonly kind: 'request' | 'send'
  readonly body: Uint8Array
  /** Kind that answers it; any other but an error is a fault of the server. */
  readonly answer: FrameKind
}

interface Pending {
  readonly request: RequestBody
  readonly resolve: (body: Uint8Array) => void
  readonly reject: (error: SecureChatError) => void
  /** Frame id once it was transmitted. */
  id: number
}

/** Puts one frame on the current socket. */
export type Transmit = (kind: FrameKind, id: number, body: Uint8Array) => void

/**
 * Joins requests and answers. Every promise ends exactly once: by its answer, its time limit, its signal, the loss of the socket, or
 * the connection's refusal. An answer that nobody waits for (late, twice) changes nothing.
 */
export class Requests {
  readonly #clock: Clock
  readonly #onRoom: () => void
  readonly #inFlight = new Map<number, Pending>()
  readonly #waiting = new Set<Pending>()
  #nextId = 0

  /** `onRoom`: a request in flight has ended and others wait. */
  constructor(clock: Clock, onRoom: () => void) {
    this.#clock = clock
    this.#onRoom = onRoom
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** A frame id that no request in flight has; never 0. */
  takeId(): number {
    do this.#nextId = this.#nextId >= 0xffffffff ? 1 : this.#nextId + 1
    while (this.#inFlight.has(this.#nextId))
    return this.#nextId
  }

  /**
   * Resolves with the body of the answer (a view into the frame). `transmit` is given where the request goes out on this very
   * socket or not at all; else it waits for `release`.
   */
  submit(request: RequestBody, { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: CallOptions, transmit?: Transmit): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new SecureChatError('request/aborted'))
      if (transmit ? this.#inFlight.size >= MAX_IN_FLIGHT : this.#waiting.size >= MAX_WAITING) {
        return reject(new SecureChatError('request/rate-limited', { detail: 'calls of this client', retryAfterSeconds: 1 }))
      }
      const forget = (): void => {
        cancelTimer()
        signal?.removeEventListener('abort', onAbort)
        this.#waiting.delete(pending)
        if (this.#inFlight.delete(pending.id) && this.#waiting.size > 0) this.#onRoom()
      }
      const pending: Pending = {
        request,
        id: 0,
        resolve: (body) => {
          forget()
          resolve(body)
        },
        reject: (error) => {
          forget()
          reject(error)
        },
      }
      const onAbort = (): void => pending.reject(new SecureChatError('request/aborted'))
      const cancelTimer = this.#clock.after(Math.min(LONGEST_TIMER_MS, timeoutMs), () => {
        pending.reject(new SecureChatError(pending.id === 0 ? 'network/unreachable' : 'request/timeout'))
      })
      signal?.addEventListener('abort', onAbort)
      if (transmit) this.#transmit(pending, transmit)
      else this.#waiting.add(pending)
    })
  }

  /** Sends what waits, oldest first, while `hasRoom` says that the socket takes more. */
  release(transmit: Transmit, hasRoom: () => boolean): void {
    for (const pending of this.#waiting) {
      if (this.#inFlight.size >= MAX_IN_FLIGHT || !hasRoom()) return
      this.#waiting.delete(pending)
      this.#transmit(pending, transmit)
    }
  }

  /** Throws `protocol/malformed` when the answer is of another kind than the request asks for. */
  answered(kind: FrameKind, id: number, body: Uint8Array): void {
    const pending = this.#inFlight.get(id)
    if (!pending) return
    if (pending.request.answer !== kind) throw new SecureChatError('protocol/malformed', { detail: 'kind of answer' })
    pending.resolve(body)
  }

  /** False when nobody waits for this id. */
  refused(id: number, error: SecureChatError): boolean {
    const pending = this.#inFlight.get(id)
    pending?.reject(error)
    return pending !== undefined
  }

  /** The socket is gone: whether the server has done what is in flight is unknown. */
  disconnected(error: SecureChatError): void {
    for (const pending of [...this.#inFlight.values()]) pending.reject(error)
  }

  rejectWaiting(error: SecureChatError): void {
    for (const pending of [...this.#waiting]) pending.reject(error)
  }

  #transmit(pending: Pending, transmit: Transmit): void {
    pending.id = this.takeId()
    this.#inFlight.set(pending.id, pending)
    transmit(pending.request.kind, pending.id, pending.request.body)
  }
}

/** Throws `protocol/too-large` before the server has to. `limit`: bytes of an operation's input. */
export function sized(body: Uint8Array, limit: number = LIMITS.frameBytes): Uint8Array {
  if (body.length > Math.min(limit, LIMITS.frameBytes - FRAME_HEADER_BYTES)) throw new SecureChatError('protocol/too-large')
  return body
}
