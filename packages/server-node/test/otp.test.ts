import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { otpSender } from '../src/otp.js'

const ACCOUNT = `AC${'0'.repeat(32)}`
const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0)) await end()
})

async function listener() {
  const heard: { readonly path: string | undefined; readonly authorization: string | undefined; readonly signed: boolean; readonly body: string }[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const piece of request) body += String(piece)
    heard.push({ path: request.url, authorization: request.headers.authorization, signed: 'webhook-signature' in request.headers, body })
    response.writeHead(201).end('{}')
  }
  const server: Server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((open) => server.listen(0, '127.0.0.1', open))
  ending.push(() => new Promise((end) => server.close(end)))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard }
}

test('a webhook, signed where there is a secret, whose values may be in files', async () => {
  const { url, heard } = await listener()
  const folder = mkdtempSync(join(tmpdir(), 'securechat-otp-'))
  ending.push(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'secret'), `whsec_${Buffer.alloc(32).toString('base64')}\n`)
  await otpSender(false, { SECURECHAT_OTP_WEBHOOK: url, SECURECHAT_OTP_WEBHOOK_TOKEN: 'key' }).send({ phone: '+1', code: '2' })
  await otpSender(true, { SECURECHAT_OTP_WEBHOOK: url, SECURECHAT_OTP_WEBHOOK_SECRET_FILE: join(folder, 'secret') }).send({ phone: '+1', code: '2' })
  expect(heard).toEqual([
    { path: '/', authorization: 'Bearer key', signed: false, body: '{"phone":"+1","code":"2"}' },
    { path: '/', authorization: undefined, signed: true, body: '{"phone":"+1","code":"2"}' },
  ])
})

test('Twilio, by an API key or the account’s token', async () => {
  const { url, heard } = await listener()
  const common = {
    SECURECHAT_TWILIO_ACCOUNT_SID: ACCOUNT,
    SECURECHAT_TWILIO_URL: url,
    SECURECHAT_TWILIO_FROM: 'Chat',
    SECURECHAT_OTP_DOMAIN: 'chat.example.com',
  }
  await otpSender(false, { ...common, SECURECHAT_TWILIO_API_KEY: 'SK1', SECURECHAT_TWILIO_API_SECRET: 's' }).send({ phone: '+14155550100', code: '123456' })
  await otpSender(false, { ...common, SECURECHAT_TWILIO_AUTH_TOKEN: 't', SECURECHAT_TWILIO_MESSAGING_SERVICE: 'MG1' }).send({ phone: '+1', code: '2' })
  const path = `/2010-04-01/Accounts/${ACCOUNT}/Messages.json`
  const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`
  expect(heard.map((one) => [one.path, one.authorization])).toEqual([
    [path, basic('SK1:s')],
    [path, basic(`${ACCOUNT}:t`)],
  ])
  expect(Object.fromEntries(new URLSearchParams(heard[0]!.body))).toMatchObject({ From: 'Chat', Body: expect.stringMatching(/@chat\.example\.com #123456$/) })
  expect(Object.fromEntries(new URLSearchParams(heard[1]!.body))).toMatchObject({ MessagingServiceSid: 'MG1' })
})

test.each([
  ['nothing', {}, /SECURECHAT_OTP_WEBHOOK, SECURECHAT_TWILIO_ACCOUNT_SID and SECURECHAT_SMTP_URL, so that/],
  ['both', { SECURECHAT_OTP_WEBHOOK: 'http://127.0.0.1:9', SECURECHAT_TWILIO_ACCOUNT_SID: ACCOUNT }, /set one of/],
  ['a mail server without addresses', { SECURECHAT_SMTP_URL: 'smtp://127.0.0.1:9', SECURECHAT_SMTP_FROM: 'a@example.com' }, /SECURECHAT_SMTP_TO/],
  ['an account without a key', { SECURECHAT_TWILIO_ACCOUNT_SID: ACCOUNT, SECURECHAT_TWILIO_FROM: 'x' }, /SECURECHAT_TWILIO_API_KEY/],
  ['half a key', { SECURECHAT_TWILIO_ACCOUNT_SID: ACCOUNT, SECURECHAT_TWILIO_FROM: 'x', SECURECHAT_TWILIO_API_KEY: 'SK1' }, /SECURECHAT_TWILIO_API_SECRET/],
  ['an account without a sender', { SECURECHAT_TWILIO_ACCOUNT_SID: ACCOUNT, SECURECHAT_TWILIO_AUTH_TOKEN: 't' }, /SECURECHAT_TWILIO_FROM/],
  ['a file that is none', { SECURECHAT_OTP_WEBHOOK: 'http://127.0.0.1:9', SECURECHAT_OTP_WEBHOOK_SECRET_FILE: '/nowhere/at/all' }, /names no file/],
  ['a secret that is none', { SECURECHAT_OTP_WEBHOOK: 'http://127.0.0.1:9', SECURECHAT_OTP_WEBHOOK_SECRET: 'x' }, /webhook secret/],
])('%s: says what to set', (_, env, detail) => {
  expect(() => otpSender(false, env)).toThrow(expect.objectContaining({ code: 'client/invalid-argument', detail: expect.stringMatching(detail) }))
})

test('mails go to the gateway of the number', async () => {
  const to: string[] = []
  const server = createSocketServer((socket) => {
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\r\n')) {
        if (line.startsWith('RCPT')) to.push(line)
        if (/^(EHLO|MAIL|RCPT)/.test(line)) socket.write('250 ok\r\n')
        if (line === 'DATA') socket.write('354 go on\r\n')
        if (line === '.') socket.write('250 taken\r\n')
      }
    })
    socket.on('error', () => socket.destroy())
    socket.write('220 localhost\r\n')
  })
  await new Promise<void>((open) => server.listen(0, '127.0.0.1', open))
  const { port } = server.address() as { port: number }
  const env = { SECURECHAT_SMTP_URL: `smtp://127.0.0.1:${port}`, SECURECHAT_SMTP_FROM: 'codes@example.com', SECURECHAT_SMTP_TO: '{number}@sms.example.com' }
  await otpSender(false, env).send({ phone: '+14155550100', code: '123456' })
  expect(to).toEqual(['RCPT TO:<14155550100@sms.example.com>'])
  await new Promise((end) => server.close(end))
})
