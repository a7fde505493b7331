import { createServer, memoryStore } from '@securechat/server'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { prometheusMetrics, serve, serveMetrics } from '../src/index.js'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

test('a port of its own tells Prometheus calls, times, sockets and Node, and nobody’s number', async () => {
  const counted = prometheusMetrics()
  const server = createServer({ store: memoryStore(), otp: { send: async () => {} }, metrics: counted.metrics })
  counted.watch(server)
  const serving = await serve(server, { port: 0 })
  ending.push(() => serving.close())
  const told = await serveMetrics(counted, { port: 0, host: '127.0.0.1' })
  ending.push(() => told.close())
  const ask = (phone: string) =>
    fetch(`${serving.url}/v1/auth.requestCode`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ phone }) })
  expect([(await ask('+14155550100')).status, (await ask('no number')).status]).toEqual([200, 400])
  const socket = new WebSocket(`${serving.url.replace('http', 'ws')}/v1/socket`, 'securechat.v1')
  await new Promise((done) => socket.once('message', done))
  const answer = await fetch(`http://127.0.0.1:${told.port}/metrics`)
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const text = await answer.text()
  for (const line of [
    'securechat_calls_total{operation="auth.requestCode",code="ok"} 1',
    'securechat_call_seconds_count{operation="auth.requestCode"} 2',
    'securechat_codes_total{result="sent"} 1',
    'securechat_connections 1',
  ])
    expect(text.split('\n')).toContain(line)
  expect(text).toMatch(/^securechat_calls_total\{operation="auth\.requestCode",code="(?!ok)[a-z/-]+"\} 1$/m)
  expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m)
  expect(text).not.toContain('4155550100')
  // Not on the port that the world sees, and nothing else on this one.
  expect((await fetch(`${serving.url}/metrics`)).status).toBe(404)
  expect((await fetch(`http://127.0.0.1:${told.port}/v1/capabilities`)).status).toBe(404)
  expect((await fetch(`http://127.0.0.1:${told.port}/metrics`, { method: 'POST' })).status).toBe(404)
  await expect(serveMetrics(counted, { port: told.port, host: '127.0.0.1' })).rejects.toMatchObject({ code: 'server/unavailable' })
  socket.terminate()
})
