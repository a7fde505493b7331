import { SecureChatError } from '@securechat/protocol'
import { errorOfCloseCode } from '../close-codes.js'
import type { Channel, ChannelHandlers, Transport } from '../port.js'

/** The server's end of a socket, as the server kit sees it. */
export interface ServerSocket {
  send(bytes: Uint8Array): void
  /** `code` and `reason` as in RFC 6455 section 7.4. */
  close(code: number, reason: string): void
  readonly bufferedBytes: number
}

export interface ServerSocketHandlers {
  onMessage(bytes: Uint8Array): void
  /** Exactly once, whoever closed. */
  onClose(): void
}

/**
 * Joins a client and a server in one process. Frames are copied and arrive by microtask, in order, as they would over a
 * network that takes no time; a close overtakes nothing that was sent before it. `accept` throwing refuses the connection.
 */
export function loopbackTransport(accept: (socket: ServerSocket) => ServerSocketHandlers): Transport {
  return {
    kind: 'loopback',
    async open(handlers, { signal }) {
      // A real opening takes at least one turn, too.
      await null
      if (signal.aborted) throw new SecureChatError('request/aborted')
      return join(accept, handlers)
    },
  }
}

function join(accept: (socket: ServerSocket) => ServerSocketHandlers, client: ChannelHandlers): Channel {
  const toClient = new Lane((bytes) => client.onMessage(bytes))
  const toServer = new Lane((bytes) => server.onMessage(bytes))
  let over = false

  /** What is on its way to the other side still arrives; what is on its way to the closing side does not. */
  const end = (by: 'client' | 'server', error?: SecureChatError): void => {
    if (over) return
    over = true
    if (by === 'client') toClient.drop()
    else toServer.drop()
    toServer.finish(() => server.onClose())
    toClient.finish(() => client.onClose(error))
  }
  let server: ServerSocketHandlers
  try {
    server = accept({
      send: (bytes) => {
        if (!over) toClient.push(bytes)
      },
      close: (code) => end('server', errorOfCloseCode(code)),
      get bufferedBytes() {
        return toClient.bytes
      },
    })
  } catch (cause) {
    throw new SecureChatError('network/unreachable', { detail: 'refused', cause })
  }
  return {
    send: (bytes) => {
      if (!over) toServer.push(bytes)
    },
    get bufferedBytes() {
      return toServer.bytes
    },
    close: () => end('client'),
  }
}

/** One direction: a queue that is emptied by microtasks, one frame each. */
class Lane {
  /** Bytes pushed and not yet delivered. */
  bytes = 0
  #queue: Uint8Array[] = []
  #last: (() => void) | null = null
  #running = false

  constructor(private readonly deliver: (bytes: Uint8Array) => void) {}

  push(bytes: Uint8Array): void {
    // Both sides may keep or reuse their buffers; Node's Buffer must not leak to a side that knows only Uint8Array.
    this.#queue.push(new Uint8Array(bytes))
    this.bytes += bytes.length
    this.#run()
  }

  drop(): void {
    this.#queue = []
    this.bytes = 0
  }

  /** Runs `last` after everything pushed so far was delivered. */
  finish(last: () => void): void {
    this.#last = last
    this.#run()
  }

  #run(): void {
    if (this.#running) return
    this.#running = true
    queueMicrotask(() => {
      this.#running = false
      const bytes = this.#queue.shift()
      if (!bytes) {
        const last = this.#last
        this.#last = null
        return last?.()
      }
      this.bytes -= bytes.length
      // Asked for first, so that a handler that throws does not end the lane.
      if (this.#queue.length > 0 || this.#last) this.#run()
      this.deliver(bytes)
    })
  }
}
