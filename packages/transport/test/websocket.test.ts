import { once } from 'node:events'
import { createServer } from 'node:net'
import { LIMITS, type SecureChatError } from '@securechat/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { type Channel, createConnection } from '../src/index.js'
import { browserNetworkHints, SUBPROTOCOL, type WebSocketConstructor, type WebSocketLike, webSocketTransport } from '../src/websocket/index.js'
import { socketUrl } from '../src/websocket/url.js'
import { testClock } from './support/clock.js'
import { type EchoHost, webSocketEcho } from './support/echo.js'

let host: EchoHost
beforeAll(async () => {
  host = await webSocketEcho()
})
afterAll(() => host.close())
afterEach(() => vi.unstubAllGlobals())

const never = (): AbortSignal => new AbortController().signal
const until = (condition: () => boolean): Promise<void> => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5_000, interval: 2 })

async function connected(): Promise<{
  channel: Channel
  socket: WebSocket
  messages: Uint8Array[]
  closes: (SecureChatError | undefined)[]
  protocol: string
  path: string
}> {
  const messages: Uint8Array[] = []
  const closes: (SecureChatError | undefined)[] = []
  const connection = once(host.server, 'connection')
  const channel = await webSocketTransport({ url: host.url }).open(
    { onMessage: (bytes) => void messages.push(bytes), onClose: (error) => void closes.push(error) },
    { signal: never() },
  )
  const [socket, request] = (await connection) as [WebSocket, { url: string }]
  return { channel, socket, messages, closes, protocol: socket.protocol, path: request.url }
}

describe('address', () => {
  it.each([
    ['https://chat.example.com', 'wss://chat.example.com/v1/socket'],
    ['http://localhost:8787', 'ws://localhost:8787/v1/socket'],
    ['wss://chat.example.com/', 'wss://chat.example.com/v1/socket'],
    ['ws://[::1]:80/chat//', 'ws://[::1]/chat/v1/socket'],
    ['https://example.com:8443/a/b', 'wss://example.com:8443/a/b/v1/socket'],
  ])('%s → %s', (url, socket) => expect(socketUrl(url)).toBe(socket))
  it.each(['', 'chat.example.com', 'ftp://example.com', 'https://user:secret@example.com', 'https://example.com?token=secret', 'https://example.com#secret'])(
    'refuses %s',
    (url) => {
      expect(() => webSocketTransport({ url })).toThrow(expect.objectContaining({ code: 'client/invalid-argument' }))
      expect(() => webSocketTransport({ url })).not.toThrow(/secret/)
    },
  )
})

describe('against a real server', () => {
  it('asks for the subprotocol at /v1/socket', async () => {
    const { channel, protocol, path } = await connected()
    expect([protocol, path]).toEqual([SUBPROTOCOL, '/v1/socket'])
    channel.close()
  })
  it.each([
    [1001, 'server/draining'],
    [1012, 'server/draining'],
    [1009, 'protocol/too-large'],
    [1013, 'server/unavailable'],
    [4001, 'network/closed'],
    [4002, 'network/closed'],
    [1011, 'network/closed'],
  ])('close code %i means %s', async (code, meaning) => {
    const { socket, closes } = await connected()
    socket.close(code)
    await until(() => closes.length > 0)
    expect(closes.map((error) => error?.code)).toEqual([meaning])
  })
  it('a lost peer is a closed channel', async () => {
    const { socket, closes } = await connected()
    socket.terminate()
    await until(() => closes.length > 0)
    expect(closes[0]).toMatchObject({ code: 'network/closed', detail: 'close 1006' })
  })
  it('text messages are refused', async () => {
    const { socket, closes, messages } = await connected()
    const closed = once(socket, 'close')
    socket.send('hello')
    await until(() => closes.length > 0)
    expect(closes[0]).toMatchObject({ code: 'protocol/malformed' })
    expect(messages).toEqual([])
    expect((await closed)[0]).toBe(4400)
  })
  it('messages above the limit end the channel with a typed error', async () => {
    const { socket, closes, messages } = await connected()
    socket.send(new Uint8Array(LIMITS.frameBytes + 1))
    await until(() => closes.length > 0)
    expect(messages).toEqual([])
    expect(closes).toHaveLength(1)
  })
  it('a server that does not speak WebSocket is unreachable', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const transport = webSocketTransport({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` })
    await expect(transport.open({ onMessage: () => {}, onClose: () => {} }, { signal: never() })).rejects.toMatchObject({ code: 'network/unreachable' })
    server.close()
  })
  it('a peer that never answers the opening is left when the signal says so', async () => {
    const sockets: { destroyed: boolean; destroy(): void }[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      sockets.push(socket)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const abort = new AbortController()
    const transport = webSocketTransport({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` })
    const opening = transport.open({ onMessage: () => {}, onClose: () => {} }, { signal: abort.signal })
    await until(() => sockets.length === 1)
    abort.abort()
    await expect(opening).rejects.toMatchObject({ code: 'request/aborted' })
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  it('a connection reaches online over it', async () => {
    const { encodeFrame, encodeValue, decodeFrame } = await import('@securechat/protocol')
    const greet = (socket: WebSocket): void => {
      socket.removeAllListeners('message')
      socket.send(encodeFrame('challenge', 0, encodeValue({ challenge: new Uint8Array(32), time: 1 })))
      socket.on('message', (data: Buffer) => {
        const { kind, id } = decodeFrame(new Uint8Array(data))
        if (kind === 'hello')
          socket.send(encodeFrame('welcome', id, encodeValue({ version: 1, time: 1, capabilities: { versions: [1], features: [], limits: {} } })))
      })
    }
    host.server.on('connection', greet)
    const connection = createConnection({
      transport: webSocketTransport({ url: host.url }),
      clock: testClock(),
      random: (length) => new Uint8Array(length),
      cursor: async () => 0,
      onDeliver: () => {},
      onEvent: () => {},
    })
    connection.start()
    await until(() => connection.state().status === 'online')
    await connection.stop()
    host.server.off('connection', greet)
  })
})

describe('the platform’s WebSocket', () => {
  class FakeSocket implements WebSocketLike {
    static made: FakeSocket[] = []
    binaryType = 'blob'
    bufferedAmount = 0
    onopen: WebSocketLike['onopen'] = null
    onmessage: WebSocketLike['onmessage'] = null
    onerror: WebSocketLike['onerror'] = null
    onclose: WebSocketLike['onclose'] = null
    closedWith: number | undefined
    terminated = false
    constructor(
      readonly url: string,
      readonly protocols: string | string[],
    ) {
      FakeSocket.made.push(this)
    }
    send(): void {}
    close(code?: number): void {
      // As browsers do.
      if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) throw new Error('InvalidAccessError')
      this.closedWith = code
    }
  }
  const open = (socket: FakeSocket): void => socket.onopen?.({} as never)

  it('a global one is used before any package', async () => {
    vi.stubGlobal('WebSocket', FakeSocket)
    const opening = webSocketTransport({ url: 'https://example.com' }).open({ onMessage: () => {}, onClose: () => {} }, { signal: never() })
    await until(() => FakeSocket.made.length === 1)
    const socket = FakeSocket.made[0]!
    expect(socket).toMatchObject({ url: 'wss://example.com/v1/socket', protocols: [SUBPROTOCOL], binaryType: 'arraybuffer' })
    open(socket)
    await opening
  })
  it('closing does not wait for a dead peer: told at once, cut off after two seconds', async () => {
    const clock = testClock()
    const closes: unknown[] = []
    class Terminable extends FakeSocket {
      terminate(): void {
        this.terminated = true
      }
    }
    const opening = webSocketTransport({ url: 'https://example.com', WebSocket: Terminable as WebSocketConstructor, clock }).open(
      { onMessage: () => {}, onClose: (error) => void closes.push(error) },
      { signal: never() },
    )
    const socket = FakeSocket.made.at(-1)!
    open(socket)
    const channel = await opening
    channel.close()
    await null
    expect(closes).toEqual([undefined])
    expect(socket.closedWith).toBe(1000)
    await clock.advance(1_999)
    expect(socket.terminated).toBe(false)
    await clock.advance(1)
    expect(socket.terminated).toBe(true)
  })
  it('uses only close codes that browsers allow', async () => {
    const closes: unknown[] = []
    const opening = webSocketTransport({ url: 'https://example.com', WebSocket: FakeSocket as WebSocketConstructor }).open(
      { onMessage: () => {}, onClose: (error) => void closes.push(error) },
      { signal: never() },
    )
    const socket = FakeSocket.made.at(-1)!
    open(socket)
    await opening
    socket.onmessage?.({ data: 'text' } as never)
    await null
    expect(closes).toHaveLength(1)
    expect(socket.closedWith).toBe(4400)
  })
  it('one that throws (blocked by policy) is unreachable', async () => {
    class Blocked {
      constructor() {
        throw new Error('SecurityError')
      }
    }
    const transport = webSocketTransport({ url: 'http://example.com', WebSocket: Blocked as unknown as WebSocketConstructor })
    await expect(transport.open({ onMessage: () => {}, onClose: () => {} }, { signal: never() })).rejects.toMatchObject({ code: 'network/unreachable' })
  })
  it('its online and offline events are the network hints', () => {
    const target = new EventTarget()
    vi.stubGlobal('addEventListener', target.addEventListener.bind(target))
    vi.stubGlobal('removeEventListener', target.removeEventListener.bind(target))
    const seen: boolean[] = []
    const end = browserNetworkHints((online) => seen.push(online))
    target.dispatchEvent(new Event('offline'))
    target.dispatchEvent(new Event('online'))
    end()
    target.dispatchEvent(new Event('online'))
    expect(seen).toEqual([false, true])
  })
  it('where there are no such events, there are no hints', () => {
    vi.stubGlobal('addEventListener', undefined)
    expect(browserNetworkHints(() => {})()).toBeUndefined()
  })
})
