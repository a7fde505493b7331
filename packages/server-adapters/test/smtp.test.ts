import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { createTransport } from 'nodemailer'
import { afterEach, expect, test } from 'vitest'
import { smtpOtp } from '../src/smtp/index.js'

interface Mail {
  readonly login: string
  readonly from: string
  readonly to: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const servers: Server[] = []
const sockets = new Set<Socket>()
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) await new Promise((end) => server.close(end))
})

/** A mail server as RFC 5321 and RFC 4954 have it, as far as one message needs; refuses one recipient, and other passwords. */
async function standIn(): Promise<{ readonly url: string; readonly mails: Mail[] }> {
  const mails: Mail[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    const say = (line: string): void => void socket.write(`${line}\r\n`)
    let [login, from, to, data]: [string, string, string[], string[] | undefined] = ['', '', [], undefined]
    let left = ''
    const command = (line: string): void => {
      const [verb = ''] = line.split(' ', 1)
      if (verb === 'EHLO') socket.write('250-localhost\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n')
      else if (verb === 'AUTH') {
        const [, user, password] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0')
        login = user ?? ''
        say(password === 'secret' ? '235 ok' : '535 wrong password for canary@example.com')
      } else if (verb === 'MAIL') {
        from = /<(.*)>/.exec(line)?.[1] ?? ''
        say('250 ok')
      } else if (verb === 'RCPT') {
        const address = /<(.*)>/.exec(line)?.[1] ?? ''
        if (address.startsWith('14155550666')) return say(`550 no such user ${address}`)
        to = [...to, address]
        say('250 ok')
      } else if (verb === 'DATA') {
        data = []
        say('354 go on')
      } else if (verb === 'QUIT') socket.end('221 bye\r\n')
      else say('250 ok')
    }
    const take = (line: string): void => {
      if (!data) return command(line)
      if (line !== '.') return void data.push(line)
      const body = data.indexOf('')
      const headers = Object.fromEntries(data.slice(0, body).map((header) => [header.split(': ', 1)[0]!.toLowerCase(), header.slice(header.indexOf(': ') + 2)]))
      mails.push({ login, from, to, headers, text: data.slice(body + 1).join('\n') })
      data = undefined
      say('250 taken')
    }
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => {
      const lines = `${left}${bytes}`.split('\r\n')
      left = lines.pop() ?? ''
      for (const line of lines) take(line)
    })
    say('220 localhost')
  })
  servers.push(server)
  await new Promise<void>((open) => server.listen(0, '127.0.0.1', open))
  return { url: `127.0.0.1:${(server.address() as AddressInfo).port}`, mails }
}

const gateway = (phone: string): string => `${phone.slice(1)}@sms.example.com`

test('sends the text to where the number’s messages go, signed in', async () => {
  const { url, mails } = await standIn()
  const transport = createTransport(`smtp://mailer:secret@${url}`)
  await smtpOtp({ transport, from: 'My app <codes@example.com>', addressOf: gateway, app: 'My app', domain: 'chat.example.com' }).send({
    phone: '+14155550100',
    code: '123456',
  })
  expect(mails).toHaveLength(1)
  expect(mails[0]).toMatchObject({ login: 'mailer', from: 'codes@example.com', to: ['14155550100@sms.example.com'], headers: { subject: 'My app: your code' } })
  expect(mails[0]?.text.trim()).toBe('123456 is your My app code. Give it to nobody.\n\n@chat.example.com #123456')
})

test('a number without an address is answered like any other, and nothing leaves', async () => {
  const { url, mails } = await standIn()
  const transport = createTransport(`smtp://mailer:secret@${url}`)
  await smtpOtp({ transport, from: 'codes@example.com', addressOf: () => undefined }).send({ phone: '+14155550100', code: '123456' })
  expect(mails).toEqual([])
})

test('what the server refuses is an error with its reply code, without number, code or address', async () => {
  const { url, mails } = await standIn()
  const failure = (login: string, phone: string) =>
    smtpOtp({ transport: createTransport(`smtp://${login}@${url}`), from: 'codes@example.com', addressOf: gateway })
      .send({ phone, code: '123456' })
      .then(
        () => undefined,
        (error: unknown) => error,
      )
  expect(await failure('mailer:wrong', '+14155550100')).toMatchObject({ code: 'server/unavailable', detail: 'SMTP: 535' })
  const refused = await failure('mailer:secret', '+14155550666')
  expect(refused).toMatchObject({ code: 'server/unavailable', detail: 'SMTP: 550' })
  expect(JSON.stringify([refused, String(refused)])).not.toMatch(/canary|1415555|123456/)
  expect(mails).toEqual([])
  const nobody = smtpOtp({ transport: createTransport('smtp://127.0.0.1:9'), from: 'codes@example.com', addressOf: gateway })
  await expect(nobody.send({ phone: '+14155550100', code: '123456' })).rejects.toMatchObject({ code: 'server/unavailable', detail: 'SMTP:' })
})
