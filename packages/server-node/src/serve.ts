import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { LIMITS, SecureChatError } from '@securechat/protocol'
import type { Server } from '@securechat/server'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { clientAddress } from './forwarded.js'
import { loadStaticSite } from './static-site.js'

export interface ServeOptions {
  /** 0: the system chooses a free one. */
  readonly port: number
  /** Default: loopback only. */
  readonly host?: string
  /** A built web app to serve at `/`. */
  readonly staticDir?: string
  /** Origins besides the server's own whose pages may open sockets. Programs that send no Origin always may. */
  readonly origins?: readonly string[]
  /** Addresses and networks (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` is believed. None by default: then limits are charged to the socket's own peer. */
  readonly trustedProxies?: readonly string[]
}

export interface Serving {
  /** `http://localhost:PORT` on loopback, else with the host. */
  readonly url: string
  readonly port: number
  /** Drains the sockets, then stops listening. The kit (`server.close()`) is closed too; its store is not. */
  close(): Promise<void>
}

const SOCKET_PATH = '/v1/socket'
const SUBPROTOCOL = 'securechat.v1'
const API = /^\/(v1\/|v1$|openapi\.json$|livez$|readyz$|version$)/

const bytesOf = (data: RawData): Uint8Array =>
  Array.isArray(data)
    ? new Uint8Array(Buffer.concat(data))
    : data instanceof ArrayBuffer
      ? new Uint8Array(data)
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** Runs the kit on Node's HTTP server, WebSocket and all. Rejects `server/unavailable` when the port is taken or forbidden (`cause` has Node's error). */
export async function serve(server: Server, options: ServeOptions): Promise<Serving> {
  const host = options.host ?? '127.0.0.1'
  const addressOf = clientAddress(options.trustedProxies ?? [])
  const site = options.staticDir === undefined ? undefined : await loadStaticSite(options.staticDir)
  const listener = getRequestListener(
    async (request, env) => {
      if (!API.test(new URL(request.url).pathname)) {
        const page = site?.respond(request)
        if (page) return page
      }
      return server.fetch(request, addressOf((env as HttpBindings).incoming))
    },
    { overrideGlobalObjects: false },
  )
  const http = createHttpServer((incoming, outgoing) => void listener(incoming, outgoing))
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.frameBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  http.on('upgrade', (request, socket, head) => {
    const refusal = refuseUpgrade(request, options.origins ?? [])
    if (refusal) {
      refuse(socket, refusal)
      return
    }
    wss.handleUpgrade(request, socket, head, (ws) => attach(server, ws, { raw: request.socket, ...addressOf(request) }))
  })
  await listen(http, options.port, host)
  const { port } = http.address() as { port: number }
  const shown = host === '127.0.0.1' || host === '::1' || host === 'localhost' ? 'localhost' : host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return {
    port,
    url: `http://${shown}:${port}`,
    async close() {
      const stopped = new Promise<void>((done) => http.close(() => done()))
      await server.close()
      wss.close()
      for (const client of wss.clients) client.terminate()
      http.closeAllConnections()
      await stopped
    },
  }
}

function attach(server: Server, ws: WebSocket, { raw, ...info }: { readonly raw: Socket; readonly remoteAddress?: string }): void {
  // One write per socket and tick: whatever one turn produces (a committed batch, its answers and deliveries) leaves together.
  let corked = false
  const uncork = (): void => {
    corked = false
    raw.uncork()
  }
  const handlers = server.connect(
    {
      send: (bytes) => {
        if (!corked) {
          corked = true
          raw.cork()
          process.nextTick(uncork)
        }
        ws.send(bytes)
      },
      close: (code, reason) => {
        ws.close(code, reason)
        // A peer that does not answer the closing handshake must not keep the socket.
        setTimeout(() => ws.terminate(), 2_000).unref()
      },
      get bufferedBytes() {
        return ws.bufferedAmount
      },
    },
    info,
  )
  ws.binaryType = 'nodebuffer'
  ws.on('message', (data, isBinary) => {
    if (isBinary) handlers.onMessage(bytesOf(data))
    else ws.close(1003, 'binary frames only')
  })
  // ws reports protocol errors of the peer here and closes by itself.
  ws.on('error', () => ws.terminate())
  ws.on('close', () => handlers.onClose())
}

/** The HTTP status of a refused upgrade; undefined: accepted. */
function refuseUpgrade(request: IncomingMessage, origins: readonly string[]): 403 | 404 | undefined {
  // Not parsed as a URL: a target such as "//" is none, and what throws in this event ends the process.
  if (request.url?.split('?', 1)[0] !== SOCKET_PATH) return 404
  const { origin, host } = request.headers
  if (origin === undefined || origins.includes(origin)) return undefined
  try {
    return new URL(origin).host === host ? undefined : 403
  } catch {
    return 403
  }
}

function refuse(socket: Duplex, status: 403 | 404): void {
  socket.on('error', () => socket.destroy())
  // Ended is not closed: a peer that keeps its half open would keep the descriptor, and the server from stopping.
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${status === 403 ? 'Forbidden' : 'Not Found'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function listen(http: HttpServer, port: number, host: string): Promise<void> {
  return new Promise((done, fail) => {
    http.once('error', (cause: NodeJS.ErrnoException) =>
      fail(new SecureChatError('server/unavailable', { detail: cause.code === 'EADDRINUSE' ? 'port in use' : 'cannot listen', cause })),
    )
    http.listen(port, host, done)
  })
}
