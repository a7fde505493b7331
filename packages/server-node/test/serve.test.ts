import { decodeFrame, encodeFrame, LIMITS } from '@securechat/protocol'
import { createServer, memoryStore } from '@securechat/server'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Serving, serve } from '../src/index.js'

const running: Serving[] = []
afterEach(async () => {
  for (const serving of running.splice(0)) await serving.close()
})
const start = async (): Promise<Serving> => {
  const serving = await serve(createServer({ store: memoryStore(), otp: { send: async () => {} } }), { port: 0 })
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
