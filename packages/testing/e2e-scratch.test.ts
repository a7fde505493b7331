import { createClient } from '@securechat/client'
import { createServer, memoryStore } from '@securechat/server'
import { memoryStorage } from '@securechat/storage'
import { loopbackTransport } from '@securechat/transport/loopback'
import { expect, it } from 'vitest'
it('talks', async () => {
  const codes = new Map<string, string>()
  const server = createServer({ store: memoryStore(), otp: { send: async ({ phone, code }: any) => void codes.set(phone, code) } } as any)
  const logger: any = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((l) => [l, (e: string, f: any) => console.log(l, e, JSON.stringify(f ?? {}))]))
  const join = async (phone: string, name: string) => {
    const chat = await createClient({ storage: memoryStorage(), transport: loopbackTransport((socket) => server.connect(socket)), logger })
    const login = await chat.account.requestCode({ phone })
    await login.confirm({ code: codes.get(phone) ?? '' })
    await chat.account.setProfile({ name })
    await chat.start()
    return chat
  }
  const alice = await join('+14155550100', 'Alice')
  const bob = await join('+14155550101', 'Bob')
  const received = new Promise<any>((resolve) => bob.on('message', resolve))
  const chat = await alice.conversations.direct({ phone: '+14155550101' })
  const statuses: any[] = []
  alice.on('message-status', ({ message }) => statuses.push(message.status))
  const t = performance.now()
  const sent = await chat.send('Hello Bob')
  expect(sent.status).toBe('queued')
  const { message, conversation } = await received
  console.log('rtt', performance.now() - t)
  expect(message.text).toBe('Hello Bob')
  await new Promise((r) => setTimeout(r, 100))
  console.log(await conversation.snapshot(), statuses)
  const back = new Promise<any>((resolve) => alice.on('message', resolve))
  await conversation.send('Hi Alice')
  console.log((await back).message)
  await conversation.markRead()
  await new Promise((r) => setTimeout(r, 4500))
  console.log(statuses, await chat.messages(), alice.connection.state(), (await chat.snapshot()))
  const sa = await alice.devices.safetyNumber(chat.peerId)
  const sb = await bob.devices.safetyNumber((await alice.account.state()).accountId!)
  expect(sa.digits).toBe(sb.digits)
  await Promise.all([alice.close(), bob.close()])
  await server.close()
}, 30000)
