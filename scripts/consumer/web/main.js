// A stranger's browser app: two people, their stores in IndexedDB, one message. The page's title says how it went.
import { createClient } from '@securechat/client'
import { createServer, memoryStore } from '@securechat/server'
import { indexedDbStorage } from '@securechat/storage-indexeddb'
import { loopbackTransport } from '@securechat/transport/loopback'
import { webSocketTransport } from '@securechat/transport/websocket'

const codes = new Map()
const server = createServer({ store: memoryStore(), otp: { send: async ({ phone, code }) => void codes.set(phone, code) } })

async function join(phone, name) {
  const chat = await createClient({ storage: indexedDbStorage({ name }), transport: loopbackTransport((socket) => server.connect(socket)) })
  const login = await chat.account.requestCode({ phone })
  await login.confirm({ code: codes.get(phone) })
  await chat.account.setProfile({ name })
  await chat.start()
  return chat
}

async function main() {
  if (typeof webSocketTransport !== 'function') throw new Error('the WebSocket transport is not a function')
  const alice = await join('+14155550100', 'Alice')
  const bob = await join('+14155550101', 'Bob')
  const received = new Promise((resolve) => bob.on('message', ({ message }) => resolve(message.text)))
  const chat = await alice.conversations.direct({ phone: '+14155550101' })
  await chat.send('Hello Bob')
  const text = await received
  await Promise.all([alice.close(), bob.close(), server.close()])
  return text
}

main().then(
  (text) => {
    document.title = `received: ${text}`
  },
  (error) => {
    document.title = `failed: ${error?.stack ?? error}`
  },
)
