import { connect } from 'node:net'
import { decodeFrame, encodeFrame, LIMITS } from '@securechat/protocol'
import { createServer, memoryStore, type ServerConfigInput } from '@securechat/server'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type ServeOptions, type Serving, serve } from '../src/index.js'

const running: Serving[] = []
afterEach(async () => {
  for (const serving of running.splice(0)) await serving.close()
})
const start = async (options: Omit<ServeOptions, 'port'> = {}, config: ServerConfigInput = {}): Promise<Serving> => {
  const serving = await serve(createServer({ store: memoryStore(), otp: { send: async () => {} }, config }), { port: 0, ...options })
  running.push(serving)
  return serving
}
const socketUrl = ({ url }: Serving) => `${url.replace('http', 'ws')}/v1/socket`
const opened = (socket: WebSocket) =>
  new Promise<Uint8Array>((done, fail) => {
    socket.once('message', (data: Buffer) => done(new Uint8Array(data)))
    socket.once('error', fail)
  })

it('serves health, OpenAPI and operations over HTTP', async () => {
  const { url } = await start()
  expect(url).toMatch(/^http:\/\/localhost:\d+$/)
  for (const path of ['/livez', '/readyz', '/version']) expect((await fetch(url + path)).status, path).toBe(200)
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as { openapi: string; paths: Record<string, unknown> }
  expect(document.openapi).toMatch(/^3\.1/)
  expect(Object.keys(document.paths)).toContain('/v1/mailbox.send')
  const answer = await fetch(`${url}/v1/server.capabilities`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  expect(await answer.json()).toMatchObject({ capabilities: { versions: [1] } })
  expect((await fetch(`${url}/nowhere`)).status).toBe(404)
})

it('opens sockets for programs and its own pages, not for pages of other origins or on other paths', async () => {
  const serving = await start()
  for (const origin of [undefined, serving.url]) {
    const socket = new WebSocket(socketUrl(serving), 'securechat.v1', origin === undefined ? {} : { origin })
    expect(decodeFrame(await opened(socket)).kind).toBe('challenge')
    socket.terminate()
  }
  for (const [url, origin] of [
    [socketUrl(serving), 'https://evil.example'],
    [socketUrl(serving), 'null'],
    [socketUrl(serving).replace('socket', 'other'), undefined],
  ] as const) {
    const socket = new WebSocket(url, 'securechat.v1', origin === undefined ? {} : { origin })
    await expect(opened(socket)).rejects.toThrow(/Unexpected server response: 40[34]/)
  }
})

it('outlives text frames, oversized frames and garbage', async () => {
  const serving = await start()
  const attack = async (payload: string | Uint8Array) => {
    const socket = new WebSocket(socketUrl(serving), 'securechat.v1')
    await opened(socket)
    const closed = new Promise<number>((done) => socket.once('close', done))
    socket.on('error', () => {})
    socket.send(payload)
    socket.send(encodeFrame('ping', 3))
    setTimeout(() => socket.close(), 300)
    return closed
  }
  expect(await attack('text')).toBe(1003)
  expect(await attack(new Uint8Array(LIMITS.frameBytes + 1))).toBe(1009)
  await attack(new Uint8Array(7).fill(255))
  expect((await fetch(`${serving.url}/livez`)).status).toBe(200)
})

/** Sends bytes on a connection of which this side is never ended; gives what came until the server closed it. */
const exchange = ({ port }: Serving, request: string) =>
  new Promise<string>((done, fail) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write(request))
    let answer = ''
    socket.on('data', (data) => {
      answer += data.toString('latin1')
    })
    // A reset is the server's close too: it has let go of the connection.
    const end = (): void => {
      socket.destroy()
      done(answer)
    }
    socket.on('error', end)
    socket.on('close', end)
    setTimeout(() => fail(new Error('the connection stays open')), 4_000).unref()
    const probe = setInterval(() => {
      if (!socket.destroyed) socket.write('x')
      else clearInterval(probe)
    }, 50)
  })

it('outlives upgrades whose target is no URL, and lets go of what it refuses', async () => {
  const serving = await start()
  const upgrade = (target: string, origin = '') =>
    `GET ${target} HTTP/1.1\r\nHost: h\r\n${origin}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
  for (const target of ['//', 'http://h:99999/', '/v1/socket/', '/\\\\']) expect(await exchange(serving, upgrade(target)), target).toMatch(/^HTTP\/1\.1 404 /)
  for (const origin of ['Origin: //\r\n', 'Origin: https://evil.example\r\n'])
    expect(await exchange(serving, upgrade('/v1/socket', origin)), origin).toMatch(/^HTTP\/1\.1 403 /)
  for (const target of ['//', 'http://h:99999/']) {
    const answer = await exchange(serving, `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
    expect(answer, target).toMatch(/^HTTP\/1\.1 40[04] /)
  }
  expect((await fetch(`${serving.url}/livez`)).status).toBe(200)
})

it('says that a port is taken, and closes open sockets when it stops', async () => {
  const serving = await start()
  await expect(serve(createServer({ store: memoryStore(), otp: { send: async () => {} } }), { port: serving.port })).rejects.toMatchObject({
    code: 'server/unavailable',
    detail: 'port in use',
  })
  const socket = new WebSocket(socketUrl(serving), 'securechat.v1')
  await opened(socket)
  const closed = new Promise((done) => socket.once('close', done))
  await serving.close()
  await closed
})

it('charges limits to the address that a trusted proxy names, over HTTP and sockets, and to nobody’s word otherwise', async () => {
  const config = { limits: { code: { burst: 1, perSecond: 0 }, connect: { burst: 1, perSecond: 0 } } }
  const statuses = async ({ url }: Serving): Promise<number[]> => {
    const ask = (forwarded: string, phone: string) =>
      fetch(`${url}/v1/auth.requestCode`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': forwarded },
        body: JSON.stringify({ phone }),
      }).then(({ status }) => status)
    return [await ask('198.51.100.1', '+14155550100'), await ask('198.51.100.2', '+14155550101'), await ask('198.51.100.1', '+14155550102')]
  }
  const first = (serving: Serving, forwarded: string): Promise<'challenge' | 'refused'> =>
    new Promise((done) => {
      const socket = new WebSocket(socketUrl(serving), 'securechat.v1', { headers: { 'x-forwarded-for': forwarded } })
      socket.once('message', () => done('challenge'))
      socket.once('close', () => done('refused'))
      socket.on('error', () => {})
    })
  const believing = await start({ trustedProxies: ['127.0.0.1', '::1'] }, config)
  expect(await statuses(believing)).toEqual([200, 200, 429])
  expect([await first(believing, '198.51.100.3'), await first(believing, '198.51.100.4'), await first(believing, '198.51.100.3')]).toEqual([
    'challenge',
    'challenge',
    'refused',
  ])
  expect(await statuses(await start({}, config))).toEqual([200, 429, 429])
  await expect(start({ trustedProxies: ['localhost'] })).rejects.toMatchObject({ code: 'client/invalid-argument' })
})
