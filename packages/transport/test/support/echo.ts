import { once } from 'node:events'
import { createServer } from 'node:net'
import { loopbackTransport, type ServerSocket } from '@securechat/transport/loopback'
import { webSocketTransport } from '@securechat/transport/websocket'
import { WebSocketServer } from 'ws'
import type { ConformanceContext } from '../../src/conformance/index.js'
import { turn } from './clock.js'

export function loopbackEcho(): ConformanceContext {
  const sockets = new Set<ServerSocket>()
  const transport = loopbackTransport((socket) => {
    sockets.add(socket)
    return { onMessage: (bytes) => socket.send(bytes), onClose: () => void sockets.delete(socket) }
  })
  const refusing = loopbackTransport(() => {
    throw new Error('nobody is here')
  })
  return {
    transport,
    unreachable: refusing,
    echo: {
      broadcast: (bytes) => {
        for (const socket of sockets) socket.send(bytes)
      },
      closeAll: () => {
        for (const socket of [...sockets]) socket.close(1000, '')
      },
      open: () => sockets.size,
    },
    pause: turn,
  }
}

/** A port of this machine that nobody listens on. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export interface EchoHost {
  readonly context: () => Promise<ConformanceContext>
  readonly server: WebSocketServer
  readonly url: string
  readonly close: () => Promise<void>
}

/** A real `ws` server on 127.0.0.1. */
export async function webSocketEcho(): Promise<EchoHost> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/v1/socket', maxPayload: 4 * 1024 * 1024 })
  await once(server, 'listening')
  server.on('connection', (socket) => {
    socket.on('error', () => socket.terminate())
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const dead = await deadPort()
  return {
    server,
    url,
    context: async () => ({
      transport: webSocketTransport({ url }),
      unreachable: webSocketTransport({ url: `http://127.0.0.1:${dead}` }),
      echo: {
        broadcast: (bytes) => {
          for (const socket of server.clients) socket.send(bytes)
        },
        closeAll: () => {
          for (const socket of server.clients) socket.close(1000)
        },
        open: () => server.clients.size,
      },
      pause: () => new Promise((resolve) => setTimeout(resolve, 2)),
    }),
    close: async () => {
      for (const socket of server.clients) socket.terminate()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
