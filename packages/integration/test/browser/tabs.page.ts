import { type Client, createClient } from '@securechat/client'
import { indexedDbStorage } from '@securechat/storage-indexeddb'
import { webSocketTransport } from '@securechat/transport/websocket'

/** What the test can call in the page: one of the tabs of Alice. */
export interface TabKit {
  open(url: string): Promise<void>
  signIn(phone: string): Promise<void>
  confirm(code: string): Promise<void>
  start(): Promise<void>
  status(): string
  /** Opens the chat with this number. */
  chat(phone: string): Promise<void>
  /** Sends `count` texts, one after the other: "<prefix> <number>". Resolves when all are stored. */
  send(prefix: string, count: number): Promise<void>
  /** How many messages the chat has, and how many of them are sent or further. */
  shown(): Promise<{ readonly all: number; readonly sent: number; readonly kinds: readonly string[] }>
}

let client: Client
let login: Awaited<ReturnType<Client['account']['requestCode']>>
const only = async () => {
  const [chat] = await client.conversations.list()
  const conversation = chat && (await client.conversations.get(chat.id))
  if (!conversation) throw new Error('no chat')
  return conversation
}

const kit: TabKit = {
  async open(url) {
    client = await createClient({ storage: indexedDbStorage({ name: 'tabs' }), transport: webSocketTransport({ url }) })
  },
  async signIn(phone) {
    login = await client.account.requestCode({ phone })
  },
  async confirm(code) {
    await login.confirm({ code })
  },
  start: () => client.start(),
  status: () => client.connection.state().status,
  async chat(phone) {
    await client.conversations.direct({ phone })
  },
  async send(prefix, count) {
    const conversation = await only()
    for (let n = 0; n < count; n++) await conversation.send(`${prefix} ${n}`)
  },
  async shown() {
    const conversation = await only()
    let [all, sent] = [0, 0]
    const kinds = new Set<string>()
    for (let before: number | undefined; ; ) {
      const page = await conversation.messages({ limit: 200, ...(before !== undefined && { before }) })
      const first = page[0]
      if (!first) return { all, sent, kinds: [...kinds] }
      all += page.length
      sent += page.filter(({ status }) => status !== 'queued' && status !== 'failed').length
      for (const { kind } of page) kinds.add(kind)
      before = first.order
    }
  },
}
Object.assign(globalThis, { tab: kit })
