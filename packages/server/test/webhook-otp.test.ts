import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { webhookOtp } from '../src/index.js'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((end) => server.close(end))
})

/** Takes what is signed with the secret, once, and not older than five minutes, as a receiver should. */
async function receiver(now: () => number) {
  const taken: unknown[] = []
  const heard: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = []
  const seen = new Set<string>()
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const piece of request) body += String(piece)
    heard.push({ headers: request.headers, body })
    const [id, time, given] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => String(request.headers[name]))
    const mac = createHmac('sha256', Buffer.alloc(32, 7)).update(`${id}.${time}.${body}`).digest('base64')
    const genuine = given === `v1,${mac}` && Math.abs(now() / 1_000 - Number(time)) < 300 && !seen.has(id!)
    seen.add(id!)
    if (genuine) taken.push(JSON.parse(body))
    response.writeHead(genuine ? 204 : 401).end()
  }
  const server = createServer((request, response) => void handle(request, response))
  servers.push(server)
  await new Promise<void>((open) => server.listen(0, '127.0.0.1', open))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/codes`, taken, heard }
}

test('a signed webhook is taken by who has the secret, and each request is another one', async () => {
  const time = { now: 1_800_000_000_500 }
  const { url, taken, heard } = await receiver(() => time.now)
  const otp = webhookOtp({ url, secret: SECRET, token: 'bearer', now: () => time.now })
  await otp.send({ phone: '+14155550100', code: '123456' })
  await otp.send({ phone: '+14155550100', code: '123456' })
  expect(taken).toEqual(Array(2).fill({ phone: '+14155550100', code: '123456' }))
  expect(heard[0]!.headers).toMatchObject({ authorization: 'Bearer bearer', 'webhook-timestamp': '1800000000', 'content-type': 'application/json' })
  expect(new Set(heard.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
  time.now += 600_000
  await expect(webhookOtp({ url, secret: SECRET, now: () => 1_800_000_000_500 }).send({ phone: '+1', code: '1' })).rejects.toMatchObject({
    code: 'server/unavailable',
  })
})

test('another secret, or none, is refused by the receiver', async () => {
  const { url, taken } = await receiver(Date.now)
  const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
  for (const otp of [webhookOtp({ url, secret: other }), webhookOtp({ url })])
    await expect(otp.send({ phone: '+14155550100', code: '123456' })).rejects.toMatchObject({ code: 'server/unavailable' })
  expect(taken).toEqual([])
})

test('a secret that is none is refused at once', () => {
  const bytes = (length: number): string => Buffer.alloc(length).toString('base64')
  for (const secret of ['', bytes(32), 'whsec_', 'whsec_!!!!', `whsec_${bytes(23)}`, `whsec_${bytes(65)}`])
    expect(() => webhookOtp({ url: 'http://127.0.0.1:9/', secret })).toThrow(expect.objectContaining({ code: 'client/invalid-argument' }))
})
