import { createClient, type Message } from '@securechat/client'
import { sqliteStorage } from '@securechat/storage-sqlite'
import { webSocketTransport } from '@securechat/transport/websocket'

/** All messages that a terminal's store holds, oldest first, read through the public API with the terminal closed. */
export async function storedMessages(store: string): Promise<Message[]> {
  const storage = sqliteStorage({ path: store })
  const chat = await createClient({ storage, transport: webSocketTransport({ url: 'http://127.0.0.1:9' }) })
  try {
    const all: Message[] = []
    for (const row of await chat.conversations.list()) {
      const conversation = await chat.conversations.get(row.id)
      if (!conversation) throw new Error('a listed conversation cannot be opened')
      let before: number | undefined
      const pages: Message[][] = []
      for (;;) {
        const page = await conversation.messages({ limit: 200, ...(before !== undefined && { before }) })
        if (page.length === 0) break
        pages.unshift([...page])
        before = page[0]?.order
      }
      all.push(...pages.flat())
    }
    return all
  } finally {
    await chat.close()
    await storage.close()
  }
}
