import { type Client, type Conversation, createClient, type Message } from '@securechat/client'
import { MemoryDisk, memoryStorage } from '@securechat/storage'
import type { Transport } from '@securechat/transport'
import { webSocketTransport } from '@securechat/transport/websocket'
import type { Cluster } from './cluster.js'

/** Somebody with a client of their own, in this process. */
export interface Person {
  readonly name: string
  readonly phone: string
  readonly chat: Client
  /** The same device once more, after its client was closed. */
  reopen(): Promise<Person>
}

/** Signs in through the balancer, so that each call may be answered by another node. */
export async function join(
  cluster: Cluster,
  { name, phone, transport = webSocketTransport({ url: cluster.url }) }: Pick<Person, 'name' | 'phone'> & { readonly transport?: Transport },
): Promise<Person> {
  const disk = new MemoryDisk()
  const open = (): Promise<Client> => createClient({ storage: memoryStorage({ disk }), transport })
  const chat = await open()
  const login = await chat.account.requestCode({ phone })
  await login.confirm({ code: await cluster.code(phone) })
  await chat.account.setProfile({ name })
  await chat.start()
  const as = (client: Client): Person => ({
    name,
    phone,
    chat: client,
    async reopen() {
      const next = await open()
      await next.start()
      return as(next)
    },
  })
  return as(chat)
}

/** Everything in the conversation, oldest first. */
export async function everyMessage(conversation: Conversation): Promise<Message[]> {
  const pages: Message[][] = []
  let before: number | undefined
  for (;;) {
    const page = await conversation.messages({ limit: 200, ...(before !== undefined && { before }) })
    if (page.length === 0) return pages.reverse().flat()
    pages.push([...page])
    before = page[0]?.order
  }
}

/** One direction of a chat. */
export interface Line {
  readonly from: Person
  readonly to: Person
  readonly conversation: Conversation
  /** What was handed to the client, which then had it in its store. */
  readonly texts: string[]
}

export async function openLine(from: Person, to: Person): Promise<Line> {
  return { from, to, conversation: await from.chat.conversations.direct({ phone: to.phone }), texts: [] }
}

export async function say({ conversation, texts, from, to }: Line): Promise<void> {
  const text = `${from.name} to ${to.name} ${texts.length}`
  texts.push(text)
  await conversation.send(text)
}

/** What has arrived of a line, in the order in which its reader sees it. */
export async function arrived({ from, to }: Line): Promise<string[]> {
  const conversation = await to.chat.conversations.direct({ phone: from.phone })
  return (await everyMessage(conversation)).filter(({ mine }) => !mine).map(({ text }) => text)
}

export async function until(condition: () => Promise<boolean> | boolean, { what, timeoutMs = 40_000 }: { what: string; timeoutMs?: number }): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}
