import { type Clock, LIMITS, SecureChatError, systemClock } from '@securechat/protocol'
import { errorOfCloseCode } from '../close-codes.js'
import type { Channel, ChannelHandlers, Transport } from '../port.js'
import { browserNetworkHints } from './hints.js'
import { socketUrl } from './url.js'

export { browserNetworkHints }

/** RFC 6455 subprotocol: fixes the framing of docs/protocol/06-transport.md; versions inside it are negotiated by the hello. */
export const SUBPROTOCOL = 'securechat.v1'
/** A peer that does not answer the closing handshake is cut off after this. */
const TERMINATE_MS = 2_000
/** Browsers let an application close with 1000 or 3000 to 4999 only. */
const CLOSE_NORMAL = 1000
const CLOSE_REFUSED = 4400

/** What is used of a WebSocket, the browser's or that of `ws`. */
export interface WebSocketLike {
  binaryType: string
  readonly bufferedAmount: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  send(data: Uint8Array): void
  close(code?: number, reason?: string): void
  /** Only in `ws`. */
  terminate?(): void
}
export type WebSocketConstructor = new (url: string, protocols: string | string[], options?: object) => WebSocketLike

export interface WebSocketTransportOptions {
  /** Address of the server: 'https://chat.example.com'; http, ws and wss too. The socket is at its /v1/socket. */
  readonly url: string
  /** Default: the global one (browsers, Node ≥ 22), else `ws` through `isomorphic-ws`, loaded when the first socket is opened. */
  readonly WebSocket?: WebSocketConstructor
  readonly clock?: Clock
}

/** Frames as binary WebSocket messages, one each. Throws `client/invalid-argument` for an address that is none. */
export function webSocketTransport(options: WebSocketTransportOptions): Transport {
  const url = socketUrl(options.url)
  const clock = options.clock ?? systemClock
  return {
    kind: 'websocket',
    networkHints: browserNetworkHints,
    async open(handlers, { signal }) {
      if (signal.aborted) throw new SecureChatError('request/aborted')
      const Implementation = options.WebSocket ?? (await platformWebSocket())
      // The loading may have taken its time.
      if (signal.aborted) throw new SecureChatError('request/aborted')
      return openSocket({ Implementation, url, handlers, signal, clock })
    },
  }
}

async function platformWebSocket(): Promise<WebSocketConstructor> {
  const native: unknown = (globalThis as { WebSocket?: unknown }).WebSocket
  if (typeof native === 'function') return native as WebSocketConstructor
  try {
    return (await import('isomorphic-ws')).default as unknown as WebSocketConstructor
  } catch (cause) {
    throw new SecureChatError('network/unreachable', { detail: 'no WebSocket on this platform', cause })
  }
}

interface Opening {
  readonly Implementation: WebSocketConstructor
  readonly url: string
  readonly handlers: ChannelHandlers
  readonly signal: AbortSignal
  readonly clock: Clock
}

function openSocket({ Implementation, url, handlers, signal, clock }: Opening): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const socket = construct(Implementation, url)
    socket.binaryType = 'arraybuffer'
    let opened = false
    let over = false

    /** Finishes the closing handshake, with a peer that may be dead, behind the owner's back. */
    const closeSocket = (code: number): void => {
      socket.onopen = null
      socket.onmessage = null
      socket.onclose = null
      socket.close(code)
      if (!socket.terminate) return
      const cancel = clock.after(TERMINATE_MS, () => socket.terminate?.())
      socket.onclose = () => cancel()
    }
    const end = (error: SecureChatError | undefined, closeCode?: number): void => {
      if (over) return
      over = true
      signal.removeEventListener('abort', onAbort)
      if (closeCode !== undefined) closeSocket(closeCode)
      if (opened) queueMicrotask(() => handlers.onClose(error))
      else reject(error ?? new SecureChatError('network/unreachable'))
    }
    const onAbort = (): void => {
      if (!opened) end(new SecureChatError('request/aborted'), CLOSE_NORMAL)
    }

    signal.addEventListener('abort', onAbort)
    socket.onopen = () => {
      if (over) return
      opened = true
      signal.removeEventListener('abort', onAbort)
      resolve(channelOf(socket, () => end(undefined, CLOSE_NORMAL)))
    }
    socket.onmessage = ({ data }: { data: unknown }) => {
      if (over) return
      if (typeof data === 'string') return end(new SecureChatError('protocol/malformed', { detail: 'text message' }), CLOSE_REFUSED)
      const bytes = new Uint8Array(data as ArrayBuffer)
      if (bytes.length > LIMITS.frameBytes) return end(new SecureChatError('protocol/too-large'), CLOSE_REFUSED)
      handlers.onMessage(bytes)
    }
    // The close event that follows says more. `ws` also reports the abort of a connecting socket as an error, which Node would take
    // for unhandled without a listener.
    socket.onerror = () => {}
    socket.onclose = ({ code }: { code: number }) =>
      end(opened ? errorOfCloseCode(code) : new SecureChatError('network/unreachable', { detail: `close ${code}` }))

    function channelOf(open: WebSocketLike, close: () => void): Channel {
      return {
        send: (bytes) => {
          if (!over) open.send(bytes)
        },
        get bufferedBytes() {
          return over ? 0 : open.bufferedAmount
        },
        close,
      }
    }
  })
}

function construct(Implementation: WebSocketConstructor, url: string): WebSocketLike {
  try {
    // Third argument: only `ws` looks at it. Ciphertext does not compress, and its buffers cost 300 KB a socket.
    return new Implementation(url, [SUBPROTOCOL], { perMessageDeflate: false, maxPayload: LIMITS.frameBytes })
  } catch (cause) {
    throw new SecureChatError('network/unreachable', { detail: 'socket refused by the platform', cause })
  }
}
