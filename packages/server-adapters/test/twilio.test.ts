import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { twilioOtp } from '../src/twilio/index.js'

const ACCOUNT = `AC${'0123456789abcdef'.repeat(2)}`
const KEY = { apiKey: 'SK1', apiSecret: 'secret' }

interface Heard {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly authorization: string | undefined
  readonly type: string | undefined
  readonly form: Record<string, string>
}

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((end) => server.close(end))
})

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = ''
  for await (const piece of request) body += String(piece)
  return body
}

/** What Twilio's interface answers, as its documentation has it: 201 and the message, or a refusal with a code. */
async function standIn(): Promise<{ readonly url: string; readonly heard: Heard[] }> {
  const heard: Heard[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = Object.fromEntries(new URLSearchParams(await bodyOf(request)))
    const { authorization, 'content-type': type } = request.headers
    heard.push({ method: request.method, path: request.url, authorization, type, form })
    const answer = (status: number, value: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    if (authorization !== `Basic ${Buffer.from('SK1:secret').toString('base64')}`) answer(401, { code: 20003, message: 'Authenticate', status: 401 })
    else if (form.To === '+15005550001') answer(400, { code: 21211, message: `Invalid 'To' Phone Number: ${form.To}`, status: 400 })
    else if (form.To === '+15005550002') response.writeHead(502).end('<html>')
    else if (form.To === '+15005550003') response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()
    else answer(201, { sid: 'SM1', status: 'queued' })
  }
  const server = createServer((request, response) => void handle(request, response))
  servers.push(server)
  await new Promise<void>((open) => server.listen(0, '127.0.0.1', open))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard }
}

test('posts the text with the line for browsers, from a number or a messaging service', async () => {
  const { url, heard } = await standIn()
  const otp = twilioOtp({ accountSid: ACCOUNT, credentials: KEY, sender: { messagingService: 'MG1' }, app: 'My app', domain: 'chat.example.com', url })
  await otp.send({ phone: '+14155550100', code: '123456' })
  await twilioOtp({ accountSid: ACCOUNT, credentials: KEY, sender: { from: '+14155550000' }, url }).send({ phone: '+14155550101', code: '654321' })
  const same = {
    method: 'POST',
    path: `/2010-04-01/Accounts/${ACCOUNT}/Messages.json`,
    authorization: `Basic ${Buffer.from('SK1:secret').toString('base64')}`,
    type: 'application/x-www-form-urlencoded',
  }
  expect(heard).toEqual([
    {
      ...same,
      form: { To: '+14155550100', MessagingServiceSid: 'MG1', Body: '123456 is your My app code. Give it to nobody.\n\n@chat.example.com #123456' },
    },
    { ...same, form: { To: '+14155550101', From: '+14155550000', Body: '654321 is your SecureChat code. Give it to nobody.' } },
  ])
})

test('a refusal is told by its code, without the number; an answer that is none, and a redirect, are failures', async () => {
  const { url, heard } = await standIn()
  const otp = twilioOtp({ accountSid: ACCOUNT, credentials: KEY, sender: { from: 'My app' }, url })
  const refusal = (phone: string): Promise<unknown> => otp.send({ phone, code: '123456' }).catch((error: unknown) => error)
  expect(await refusal('+15005550001')).toMatchObject({ code: 'server/unavailable', detail: 'Twilio: 400 (21211)' })
  expect(await refusal('+15005550002')).toMatchObject({ code: 'server/unavailable', detail: 'Twilio: 502' })
  expect(await refusal('+15005550003')).toBeInstanceOf(Error)
  expect(heard).toHaveLength(3)
  const wrong = twilioOtp({ accountSid: ACCOUNT, credentials: { authToken: 'another' }, sender: { from: 'My app' }, url })
  await expect(wrong.send({ phone: '+14155550100', code: '1' })).rejects.toMatchObject({ code: 'server/unavailable', detail: 'Twilio: 401 (20003)' })
  expect(heard.at(-1)?.authorization).toBe(`Basic ${Buffer.from(`${ACCOUNT}:another`).toString('base64')}`)
})

test('an account that is none is refused at once', () => {
  for (const accountSid of ['', 'AC1', `${ACCOUNT}/../x`])
    expect(() => twilioOtp({ accountSid, credentials: KEY, sender: { from: 'x' } })).toThrow(expect.objectContaining({ code: 'client/invalid-argument' }))
})
