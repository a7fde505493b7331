import { isSecureChatError, type SecureChatError } from '@securechat/protocol'
import type { Channel, ChannelHandlers, Transport } from '../port.js'

/** A server made by the test: sends every message back on the socket that it came from, in order. */
export interface EchoServer {
  /** Sends to every open socket. */
  broadcast(bytes: Uint8Array): void
  /** Closes every open socket from the server's side with 1000. */
  closeAll(): void
  /** Open sockets, as the server sees them. */
  open(): number
}

export interface ConformanceContext {
  /** To the echo server. */
  readonly transport: Transport
  readonly echo: EchoServer
  /** To an address where nobody answers; for cases that require `unreachable`. */
  readonly unreachable?: Transport
  /** Lets real or fake time pass so that whatever is on its way arrives. Called repeatedly until a condition holds. */
  readonly pause: () => Promise<void>
}

export interface ConformanceCase {
  readonly name: string
  readonly requires?: 'unreachable'
  run(context: ConformanceContext): Promise<void>
}

/** Rounds of `pause` until a condition counts as failed. */
const PATIENCE = 200
/** Rounds in which something that must not happen would have happened. */
const QUIET = 10

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`transport conformance: ${message}`)
}

/** What one channel told its owner. */
export interface Recorder {
  readonly handlers: ChannelHandlers
  readonly messages: Uint8Array[]
  readonly closes: (SecureChatError | undefined)[]
  /** Messages that came after the end. */
  readonly late: () => number
}

export function record(): Recorder {
  const messages: Uint8Array[] = []
  const closes: (SecureChatError | undefined)[] = []
  let late = 0
  return {
    messages,
    closes,
    late: () => late,
    handlers: {
      onMessage: (bytes) => {
        if (closes.length > 0) late++
        messages.push(bytes)
      },
      onClose: (error) => void closes.push(error),
    },
  }
}

export async function until(context: ConformanceContext, condition: () => boolean, message: string): Promise<void> {
  for (let round = 0; round < PATIENCE; round++) {
    if (condition()) return
    await context.pause()
  }
  check(condition(), message)
}

/** Waits long enough that what must not happen would have happened. */
export async function quiet(context: ConformanceContext): Promise<void> {
  for (let round = 0; round < QUIET; round++) await context.pause()
}

export async function opened(context: ConformanceContext): Promise<{ channel: Channel; recorder: Recorder }> {
  const recorder = record()
  const channel = await context.transport.open(recorder.handlers, { signal: new AbortController().signal })
  return { channel, recorder }
}

/** The code of the rejection; fails when it resolves or rejects with an untyped error. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    check(isSecureChatError(error), 'the rejection is no SecureChatError')
    return error.code
  }
  check(false, 'resolved instead of rejecting')
}
