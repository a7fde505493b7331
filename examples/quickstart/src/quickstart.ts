import { createClient } from '@securechat/client'
import { createServer, memoryStore } from '@securechat/server'
import { memoryStorage } from '@securechat/storage'
import { loopbackTransport } from '@securechat/transport/loopback'

/** Two people, one server, one message: all in this process. Resolves to what Bob has read. */
export async function quickstart(): Promise<string> {
  const codes = new Map<string, string>()
  const server = createServer({ store: memoryStore(), otp: { send: async ({ phone, code }) => void codes.set(phone, code) } })

  const join = async (phone: string, name: string) => {
    const chat = await createClient({ storage: memoryStorage(), transport: loopbackTransport((socket) => server.connect(socket)) })
    const login = await chat.account.requestCode({ phone })
    await login.confirm({ code: codes.get(phone) ?? '' })
    await chat.account.setProfile({ name })
    await chat.start()
    return chat
  }
  const alice = await join('+14155550100', 'Alice')
  const bob = await join('+14155550101', 'Bob')

  const received = new Promise<string>((resolve) => bob.on('message', ({ message }) => resolve(message.text)))
  const chat = await alice.conversations.direct({ phone: '+14155550101' })
  await chat.send('Hello Bob')

  const text = await received
  await Promise.all([alice.close(), bob.close(), server.close()])
  return text
}
