import type { Message } from '@securechat/client'
import { createTestNetwork, type TestClient, type TestNetwork } from '@securechat/testing'
import { afterEach, describe, expect, it } from 'vitest'

const networks: TestNetwork[] = []
afterEach(async () => {
  for (const net of networks.splice(0)) await net.close()
})
const network = async (seed = 1) => {
  const net = await createTestNetwork({ seed })
  networks.push(net)
  return net
}
const pair = async (net: TestNetwork): Promise<[TestClient, TestClient]> => {
  const alice = await net.client('Alice')
  const bob = await net.client('Bob')
  return [alice, bob]
}
const only = async (client: TestClient) => {
  const rows = await client.conversations.list()
  expect(rows).toHaveLength(1)
  const conversation = await client.conversations.get(rows[0]!.id)
  return { row: rows[0]!, conversation: conversation! }
}
const all = async (client: TestClient): Promise<Message[]> => {
  const { conversation } = await only(client)
  const messages: Message[] = []
  for (let before: number | undefined; ; before = messages[0]!.order) {
    const page = await conversation.messages({ limit: 200, ...(before !== undefined && { before }) })
    if (page.length === 0) return messages
    messages.unshift(...page)
  }
}
const texts = async (client: TestClient, mine: boolean) => (await all(client)).filter((message) => message.mine === mine).map(({ text }) => text)

describe('two people', () => {
  it('see names, requests, marks, reactions, edits and deletions', async () => {
    const net = await network()
    const [alice, bob] = await pair(net)
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    const sent = await chat.send('Hello Bob')
    expect(sent.status).toBe('queued')
    await net.settle()

    // A stranger learns nothing: no receipt before the request is accepted.
    expect((await all(alice))[0]!.status).toBe('sent')
    const { row, conversation } = await only(bob)
    expect(row).toMatchObject({ unread: 1, peer: { relation: 'request', displayName: 'Alice' } })
    await conversation.markRead()
    await net.settle()
    expect((await all(alice))[0]!.status).toBe('sent')

    await conversation.accept()
    await conversation.markRead()
    await net.settle()
    expect((await all(alice))[0]!.status).toBe('read')
    await conversation.send('Hi Alice')
    await net.settle()
    expect((await only(alice)).row.peer).toMatchObject({ displayName: 'Bob', relation: 'accepted' })

    await conversation.react(sent.id, '👍')
    await net.settle()
    expect((await all(alice))[0]!.reactions).toEqual([{ accountId: (await bob.account.state()).accountId, emoji: '👍' }])
    await chat.edit(sent.id, 'Hello dear Bob')
    await net.settle()
    expect((await all(bob))[0]).toMatchObject({ text: 'Hello dear Bob', edited: true })
    await chat.delete(sent.id)
    await net.settle()
    expect((await all(bob))[0]).toMatchObject({ kind: 'deleted', text: '' })
    expect((await all(alice))[0]).toMatchObject({ kind: 'deleted', text: '' })
  })

  it('show one safety number, to both the same, to others another', async () => {
    const net = await network()
    const [alice, bob] = await pair(net)
    const carol = await net.client('Carol')
    const ids = await Promise.all([alice, bob, carol].map(async (client) => (await client.account.state()).accountId!))
    await net.drive(alice.conversations.direct({ phone: bob.phone }))
    await net.drive(bob.conversations.direct({ phone: alice.phone }))
    await net.drive(carol.conversations.direct({ phone: bob.phone }))
    const mine = await net.drive(alice.devices.safetyNumber(ids[1]!))
    const theirs = await net.drive(bob.devices.safetyNumber(ids[0]!))
    expect(mine.digits).toBe(theirs.digits)
    expect((await net.drive(carol.devices.safetyNumber(ids[1]!))).digits).not.toBe(mine.digits)
    await alice.devices.setVerified(ids[1]!, mine.digits)
    expect((await net.drive(alice.devices.safetyNumber(ids[1]!))).verified).toBe(true)
  })

  it('write while the other, or the server, is away', async () => {
    const net = await network()
    const [alice, bob] = await pair(net)
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    await net.drive(bob.close())
    for (const text of ['one', 'two']) await chat.send(text)
    await net.settle()
    expect((await all(alice)).map(({ status }) => status)).toEqual(['sent', 'sent'])
    net.faults.set({ refuse: true })
    net.faults.cut()
    await chat.send('three')
    await net.advance(90_000)
    expect(alice.connection.state().status).toBe('offline')
    expect((await all(alice)).map(({ status }) => status)).toEqual(['sent', 'sent', 'queued'])
    net.faults.clear()
    const again = await bob.restart()
    await net.settle()
    expect(await texts(again, false)).toEqual(['one', 'two', 'three'])
    expect(alice.connection.state().status).toBe('online')
  })

  it('a blocked sender reaches nobody and learns nothing', async () => {
    const net = await network()
    const [alice, bob] = await pair(net)
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    await chat.send('buy this')
    await net.settle()
    const { conversation } = await only(bob)
    await conversation.block()
    await chat.send('and this')
    await net.settle()
    expect(await texts(bob, false)).toEqual(['buy this'])
    expect((await all(alice)).map(({ status }) => status)).toEqual(['sent', 'sent'])
  })
})

describe('faults', () => {
  it.each([11, 12, 13])('loss, duplication, reordering, delay and cuts: exactly once and in order (seed %i)', { timeout: 60_000 }, async (seed) => {
    const net = await network(seed)
    let [alice, bob] = await pair(net)
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    await chat.send('start')
    await net.settle()
    await (await only(bob)).conversation.accept()
    net.faults.set({ drop: 0.05, duplicate: 0.1, reorder: 4, delayMs: [0, 200], cut: 0.02 })
    const sent: { alice: string[]; bob: string[] } = { alice: ['start'], bob: [] }
    for (let i = 0; i < 30; i++) {
      if (i === 10) alice = await alice.restart()
      if (i === 20) bob = await bob.restart()
      await (await only(alice)).conversation.send(`a${i}`)
      sent.alice.push(`a${i}`)
      await (await only(bob)).conversation.send(`b${i}`)
      sent.bob.push(`b${i}`)
      await net.advance(150)
    }
    await net.settle()
    net.faults.clear()
    await net.settle()
    expect(await texts(bob, false)).toEqual(sent.alice)
    expect(await texts(alice, false)).toEqual(sent.bob)
    expect(await texts(alice, true)).toEqual(sent.alice)
    const { counts } = net.faults
    expect(counts.dropped * counts.duplicated * counts.reordered * counts.cut).toBeGreaterThan(0)
  })

  it('both write first at the same moment and end with one conversation', async () => {
    const net = await network(21)
    const [alice, bob] = await pair(net)
    const [toBob, toAlice] = [
      await net.drive(alice.conversations.direct({ phone: bob.phone })),
      await net.drive(bob.conversations.direct({ phone: alice.phone })),
    ]
    net.faults.set({ delayMs: 500 })
    await Promise.all([toBob.send('a1'), toAlice.send('b1')])
    await net.settle()
    await Promise.all([toBob.send('a2'), toAlice.send('b2')])
    await net.settle()
    expect(toBob.id).toBe(toAlice.id)
    expect(await texts(bob, false)).toEqual(['a1', 'a2'])
    expect(await texts(alice, false)).toEqual(['b1', 'b2'])
  })

  it('consume misses nothing across failures of its handler and restarts, from a durable cursor', async () => {
    const net = await network(31)
    let [alice, bob] = await pair(net)
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    const seen: string[] = []
    let failing = true
    const handler = ({ message }: { message: Message }) => {
      if (failing && message.text === 'm2') throw new Error('the bot is broken')
      seen.push(message.text)
    }
    let stop = bob.consume('bot', handler)
    for (const text of ['m1', 'm2', 'm3']) await chat.send(text)
    await net.settle()
    expect(seen).toEqual(['m1'])
    await stop()
    bob = await bob.restart()
    failing = false
    stop = bob.consume('bot', handler)
    await net.settle()
    await chat.send('m4')
    await net.settle()
    expect(seen).toEqual(['m1', 'm2', 'm3', 'm4'])
    await stop()
  })
})

describe('a changed account key', () => {
  it('is shown, stops sending until it is accepted, and changes the safety number', async () => {
    const net = await network()
    const [alice, bob] = await pair(net)
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    await chat.send('to the old phone')
    await net.settle()
    await (await only(bob)).conversation.send('from the old phone')
    await net.settle()
    const before = await net.drive(alice.devices.safetyNumber(chat.peerId))
    await alice.devices.setVerified(chat.peerId, before.digits)

    // Past the spacing of one-time codes to one number.
    await net.advance(60_000)
    const phone = await net.client('Bob', { phone: bob.phone, replaceKeys: true })
    await net.settle()
    expect((await bob.account.state()).status).toBe('revoked')
    const changes: unknown[] = []
    alice.on('identity-changed', (event) => changes.push(event))
    await chat.send('whoever you are')
    // It stays queued, so the network does not come to rest.
    await net.advance(10_000)
    expect(changes.length).toBeGreaterThan(0)
    expect((await all(alice)).filter(({ mine }) => mine).map(({ status }) => status)).toContain('queued')
    expect((await phone.conversations.list()).length).toBe(0)
    expect((await only(alice)).row.peer).toMatchObject({ identityChanged: true, verified: false })

    // What was compared or seen before is not what would be believed now.
    for (const stale of [() => alice.devices.setVerified(chat.peerId, before.digits), () => alice.devices.acceptIdentity(chat.peerId, before.digits)])
      await expect(stale()).rejects.toMatchObject({ code: 'devices/identity-changed' })
    expect((await only(alice)).row.peer).toMatchObject({ identityChanged: true, verified: false })

    const now = await net.drive(alice.devices.safetyNumber(chat.peerId))
    await alice.devices.acceptIdentity(chat.peerId, now.digits)
    await net.settle()
    expect(await texts(phone, false)).toEqual(['whoever you are'])
    expect((await net.drive(alice.devices.safetyNumber(chat.peerId))).digits).not.toBe(before.digits)
  })
})
