import { type AccountId, SecureChatError } from '@securechat/protocol'
import { MemoryDisk, memoryStorage } from '@securechat/storage'
import type { Transport } from '@securechat/transport'
import { describe, expect, it } from 'vitest'
import { directConversationId } from '../src/context.js'
import { type ClientOptions, createClient, type LockPort } from '../src/index.js'
import { requireConversation, writeConversation } from '../src/state/conversations.js'
import { logReceived } from '../src/state/inbox.js'
import { placeMessage, writeMessage } from '../src/state/messages.js'
import { manualClock, messageId, type Person, person, sodium, turns } from './harness.js'

/** A server that is not there. */
function deadTransport(): Transport & { opened: number } {
  const transport = {
    kind: 'dead',
    opened: 0,
    open: async () => {
      transport.opened++
      throw new SecureChatError('network/unreachable')
    },
  }
  return transport
}

async function open(disk: MemoryDisk, options: Partial<ClientOptions> = {}) {
  const clock = manualClock()
  const transport = deadTransport()
  const client = await createClient({ storage: memoryStorage({ disk }), transport, clock, crypto: await sodium(), ...options })
  return { client, clock, transport }
}
/** The store of a registered account, and a way to do to it what receiving would do. */
async function registered(): Promise<Person> {
  return person({ seed: 1, clock: manualClock() })
}
const bob = messageId(200) as string as AccountId

/** A lock between any number of "tabs". */
function sharedLock(): LockPort & { held: number } {
  const waiting: (() => void)[] = []
  const lock = {
    held: 0,
    acquire: (_: string, { signal, onWait }: { signal: AbortSignal; onWait: () => void }) =>
      new Promise<() => void>((resolve, reject) => {
        const take = (): void => {
          if (lock.held > 0 || signal.aborted) return
          lock.held++
          waiting.splice(waiting.indexOf(take), 1)
          resolve(() => {
            lock.held--
            waiting[0]?.()
          })
        }
        waiting.push(take)
        signal.addEventListener('abort', () => {
          if (waiting.includes(take)) waiting.splice(waiting.indexOf(take), 1)
          reject(new SecureChatError('request/aborted'))
        })
        if (lock.held > 0) onWait()
        take()
      }),
  }
  return lock
}

async function receive(who: Person, n: number): Promise<void> {
  const { db, identity, provider } = who.context
  const { accountId } = await identity.self()
  const id = directConversationId(provider, accountId, bob)
  await db.run(async (tx) => {
    const row = { id: messageId(n), conversation: id, sender: bob, kind: 'text' as const, text: `text ${n}`, sentAt: n, order: 0, edited: false, reactions: [] }
    const placed = placeMessage(tx, row, await requireConversation(tx, id))
    writeMessage(tx, placed.message)
    writeConversation(tx, { ...placed.conversation, unread: placed.conversation.unread + 1 })
    await logReceived(tx, id, messageId(n))
  })
}

describe('client', () => {
  it('touches no network before it is asked to', async () => {
    const { client, transport } = await open(new MemoryDisk())
    expect(await client.account.state()).toEqual({ status: 'signed-out' })
    expect(await client.conversations.list()).toEqual([])
    expect(client.connection.state()).toMatchObject({ status: 'stopped', synced: false })
    expect(transport.opened).toBe(0)
    await client.close()
  })

  it('may be started and closed in any order and number', async () => {
    const { client, transport } = await open((await registered()).disk)
    await client.close()
    await Promise.all([client.start(), client.start()])
    expect(transport.opened).toBe(1)
    // What a framework does that mounts, unmounts and mounts again.
    const closing = client.close()
    const starting = client.start()
    await Promise.all([closing, starting])
    await turns(5)
    expect(client.connection.state().status).not.toBe('stopped')
    await Promise.all([client.close(), client.close()])
    expect(client.connection.state().status).toBe('stopped')
    await expect(client.contacts.find({ phone: '+14155550100' })).rejects.toMatchObject({ code: 'client/closed' })
  })

  it('in a second tab waits, says so, and takes over', async () => {
    const { disk } = await registered()
    const lock = sharedLock()
    const first = await open(disk, { lock })
    const second = await open(disk, { lock })
    await first.client.start()
    let started = false
    const starting = second.client.start().then(() => {
      started = true
    })
    await turns(5)
    expect([started, second.transport.opened, second.client.connection.state().status]).toEqual([false, 0, 'waiting-for-tab'])
    const chat = await second.client.conversations.direct({ accountId: bob })
    await expect(chat.send('from the second tab')).resolves.toMatchObject({ status: 'queued' })
    await first.client.close()
    await starting
    expect(second.transport.opened).toBe(1)
    await second.client.close()
    expect(lock.held).toBe(0)
  })

  it('gives up waiting for another tab when it is closed, without an error', async () => {
    const { disk } = await registered()
    const lock = sharedLock()
    const [first, second] = [await open(disk, { lock }), await open(disk, { lock })]
    await first.client.start()
    const starting = second.client.start()
    await turns(5)
    await second.client.close()
    await expect(starting).resolves.toBeUndefined()
    expect(second.client.connection.state().status).toBe('stopped')
    const call = second.client.contacts.find({ phone: '+14155550100' })
    await expect(call).rejects.toMatchObject({ code: 'client/closed' })
    await first.client.close()
  })

  it('refuses a call that needs the server in a tab that does not lead', async () => {
    const { disk } = await registered()
    const lock = sharedLock()
    const [first, second] = [await open(disk, { lock }), await open(disk, { lock })]
    await first.client.start()
    const call = expect(second.client.contacts.find({ phone: '+14155550100' })).rejects.toMatchObject({ code: 'storage/locked' })
    await second.clock.advance(3_000)
    await call
    await first.client.close()
    await second.client.close()
  })

  it('checks what it is given', async () => {
    const { client } = await open((await registered()).disk)
    const chat = await client.conversations.direct({ accountId: bob })
    await expect(chat.send('')).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await expect(chat.send('x'.repeat(40_000))).rejects.toMatchObject({ code: 'protocol/too-large' })
    await expect(chat.send({ text: 'x', id: 'no' as never })).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await expect(chat.messages({ limit: 0 })).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await expect(chat.edit(messageId(1), 'x')).rejects.toMatchObject({ code: 'client/not-found' })
    await expect(client.conversations.direct({ accountId: 'x' as never })).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await expect(client.account.requestCode({ phone: '0800' })).rejects.toMatchObject({ code: 'client/invalid-argument' })
    const aborted = AbortSignal.abort()
    await expect(chat.send('x', { signal: aborted })).rejects.toMatchObject({ code: 'request/aborted' })
    await client.close()
  })

  it('takes back a message that was never encrypted', async () => {
    const { client } = await open((await registered()).disk)
    const chat = await client.conversations.direct({ accountId: bob })
    const sent = await chat.send('oops')
    await chat.delete(sent.id)
    expect(await chat.messages()).toEqual([])
    await client.close()
  })

  it('keeps a listener’s failure to the listener', async () => {
    const logged: string[] = []
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: (event: string) => void logged.push(event) }
    const { client } = await open((await registered()).disk, { logger })
    const seen: string[] = []
    client.on('connection', () => {
      throw new Error('mine')
    })
    const end = client.on('connection', ({ status }) => void seen.push(status))
    await client.start()
    await turns(5)
    expect(seen.length).toBeGreaterThan(0)
    expect(logged).toContain('client.listener-failed')
    end()
    const before = seen.length
    await client.close()
    expect(seen).toHaveLength(before)
  })
})

describe('live queries', () => {
  it('give the same reference until something changes, and keep unchanged messages', async () => {
    const who = await registered()
    const { client } = await open(who.disk)
    const chat = await client.conversations.direct({ accountId: bob })
    const live = chat.liveMessages({ limit: 3 })
    let changes = 0
    const end = live.subscribe(() => changes++)
    expect(live.get()).toBeUndefined()
    await receive(who, 1)
    await receive(who, 2)
    await turns()
    const first = live.get()!
    expect(first.map(({ text }) => text)).toEqual(['text 1', 'text 2'])
    const seen = changes
    await chat.update({ draft: 'not about messages' })
    await turns()
    expect(live.get()).toBe(first)
    expect(changes).toBe(seen)
    await receive(who, 3)
    await receive(who, 4)
    await turns()
    expect(live.get()!.map(({ text }) => text)).toEqual(['text 2', 'text 3', 'text 4'])
    expect(live.get()![0]).toBe(first[1])
    end()
    await receive(who, 5)
    await turns()
    expect(live.get()!.at(-1)!.text).toBe('text 4')
    await client.close()
  })

  it('show the list of conversations with what has changed', async () => {
    const who = await registered()
    const { client } = await open(who.disk)
    const chat = await client.conversations.direct({ accountId: bob })
    const list = client.conversations.live()
    const one = chat.live()
    const ends = [list.subscribe(() => {}), one.subscribe(() => {})]
    await turns()
    const before = list.get()
    expect(before).toHaveLength(1)
    await receive(who, 1)
    await turns()
    expect(list.get()).not.toBe(before)
    expect(list.get()![0]).toMatchObject({ unread: 1, lastMessage: { text: 'text 1' } })
    expect(one.get()).toMatchObject({ unread: 1, lastMessage: { text: 'text 1' } })
    await chat.markRead()
    await chat.update({ archived: true })
    await turns()
    expect(list.get()![0]).toMatchObject({ unread: 0, archived: true })
    expect(await client.conversations.list({ archived: false })).toEqual([])
    for (const end of ends) end()
    await client.close()
  })
})

describe('reading on', () => {
  it('pages without gaps', async () => {
    const who = await registered()
    const { client } = await open(who.disk)
    const chat = await client.conversations.direct({ accountId: bob })
    for (let n = 1; n <= 7; n++) await receive(who, n)
    await chat.send('queued, so last')
    const texts: string[] = []
    for (let before: number | undefined; ; ) {
      const page = await chat.messages({ limit: 3, ...(before !== undefined && { before }) })
      if (page.length === 0) break
      texts.unshift(...page.map(({ text }) => text))
      before = page[0]!.order
    }
    expect(texts).toEqual([...Array.from({ length: 7 }, (_, i) => `text ${i + 1}`), 'queued, so last'])
    await client.close()
  })

  it('watch gives what comes from now on, each row in its newest state, and ends with its signal or the client', async () => {
    const who = await registered()
    const { client } = await open(who.disk)
    const chat = await client.conversations.direct({ accountId: bob })
    await receive(who, 1)
    const read = async (signal?: AbortSignal): Promise<string[]> => {
      const texts: string[] = []
      for await (const message of chat.watch(signal ? { signal } : {})) texts.push(message.text)
      return texts
    }
    const stop = new AbortController()
    const readers = [read(stop.signal), read()]
    await turns()
    await receive(who, 2)
    await turns()
    await receive(who, 3)
    await turns()
    stop.abort()
    expect(await readers[0]).toEqual(['text 2', 'text 3'])
    await client.close()
    expect(await readers[1]).toEqual(['text 2', 'text 3'])
  })

  it('consume goes on where it was, and repeats what its handler has failed on', async () => {
    const who = await registered()
    const first = await open(who.disk)
    await first.client.conversations.direct({ accountId: bob })
    for (const n of [1, 2, 3]) await receive(who, n)
    const handled: string[] = []
    let failures = 2
    const stop = first.client.consume('bot', async ({ message }) => {
      if (message.text === 'text 2' && failures-- > 0) throw new Error('not now')
      handled.push(message.text)
      if (message.text === 'text 2') void stop()
    })
    await turns()
    await first.clock.advance(10_000)
    await turns()
    expect(handled).toEqual(['text 1', 'text 2'])
    await stop()
    await first.client.close()
    const second = await open(who.disk)
    const end = second.client.consume('bot', ({ message }) => void handled.push(message.text))
    await turns()
    expect(handled).toEqual(['text 1', 'text 2', 'text 3'])
    await receive(who, 4)
    await turns()
    expect(handled.at(-1)).toBe('text 4')
    await end()
    expect(() => second.client.consume('not a name', () => {})).toThrow(expect.objectContaining({ code: 'client/invalid-argument' }))
    await second.client.close()
  })
})

describe('receipts', () => {
  it('wait a second or more, come together, and only for accepted contacts', async () => {
    const who = await registered()
    const { client, clock } = await open(who.disk)
    const chat = await client.conversations.direct({ accountId: bob })
    await client.start()
    for (const n of [1, 2, 3]) await receive(who, n)
    await chat.markRead()
    const outbox = async () => (await who.context.storage.list('outbox/')).length
    await clock.advance(900)
    expect(await outbox()).toBe(0)
    await clock.advance(1_200)
    await turns()
    expect(await outbox()).toBe(1)
    expect(await who.context.storage.list('receipt/')).toHaveLength(0)
    await client.close()
  })
})
