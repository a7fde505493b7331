import type { Conversation } from '@securechat/client'
import { SecureChatError, toBase64Url } from '@securechat/protocol'
import type { TestClient } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, friends, messagesOf } from '../../src/attack-scene.js'

closeNetworks()

const texts = async (client: TestClient): Promise<string[]> => (await messagesOf(client)).filter(({ kind }) => kind === 'text').map(({ text }) => text)

/** Two friends with a conversation of `count` lines. */
async function talked(count: number) {
  const scene = await friends()
  const { net, alice, bob, toAlice } = scene
  const toBob = await net.drive(alice.conversations.direct({ accountId: await accountOf(bob) }))
  for (let i = 0; i < count; i++) {
    await (i % 2 ? toAlice : toBob).send(`line ${i}`)
    if (i % 50 === 49) await net.settle()
  }
  await net.settle()
  return { ...scene, toBob }
}

describe('history for a linked device', () => {
  it('brings what was written before, in the primary device’s order, and what came meanwhile stays once and above', async () => {
    const { net, alice, toAlice, toBob } = await talked(30)
    await toBob.react((await messagesOf(alice)).at(-1)!.id, '👍')
    await net.settle()
    const tablet = await net.client('Tablet', { linkedTo: alice, history: true })
    await toAlice.send('meanwhile')
    await net.settle()
    await net.drive(ended(tablet))
    expect(await texts(tablet)).toEqual(await texts(alice))
    expect((await messagesOf(tablet)).map(({ reactions }) => reactions)).toEqual((await messagesOf(alice)).map(({ reactions }) => reactions))
    const [sending, receiving] = [await alice.devices.history.state(), await tablet.devices.history.state()]
    expect(sending).toMatchObject([{ direction: 'sending', status: 'done' }])
    expect(receiving).toMatchObject([{ direction: 'receiving', status: 'done' }])
    expect(receiving[0]!.progress.done).toBeGreaterThanOrEqual(31)
    const [chat] = await tablet.conversations.list()
    expect(chat!.unread).toBe((await alice.conversations.list())[0]!.unread)
    const handle = (await tablet.conversations.get(chat!.id)) as Conversation
    await handle.send('from the tablet')
    await net.settle()
    expect((await texts(alice)).at(-1)).toBe('from the tablet')
  })

  it('goes on where it was when either device dies, with the same bytes, and tells how far it is', async () => {
    const { net, alice } = await talked(30)
    const parts = new Map<number, string>()
    const read = new Map<number, number>()
    const never = new Promise<never>(() => undefined)
    let phone: TestClient = alice
    let dying: 'phone' | 'tablet' | undefined
    net.malicious.on('history.put', async ({ input, forward }) => {
      const bytes = toBase64Url(input.segment)
      expect(parts.get(input.number) ?? bytes).toBe(bytes)
      parts.set(input.number, bytes)
      if (dying !== 'phone') return forward()
      // Before it is stored, and stored without the device's hearing of it.
      if (deaths.length % 2) await forward()
      phone.kill()
      deaths.push('phone')
      dying = undefined
      return never
    })
    net.malicious.on('history.read', async ({ input, forward }) => {
      const answer = await forward()
      if (answer.segment) read.set(input.number, (read.get(input.number) ?? 0) + 1)
      if (dying !== 'tablet' || !answer.segment) return answer
      tablet.kill()
      deaths.push('tablet')
      dying = undefined
      return never
    })
    const deaths: string[] = []
    dying = 'phone'
    let tablet = await net.client('Tablet', { linkedTo: alice, history: true })
    for (const victim of ['phone', 'phone', 'tablet', 'tablet'] as const) {
      dying = victim
      for (let i = 0; i < 200 && dying; i++) await net.advance(250)
      if (victim === 'phone') phone = await net.client('Alice', { disk: alice.disk, phone: alice.phone })
      else tablet = await net.client('Tablet', { disk: tablet.disk, phone: alice.phone })
    }
    expect(deaths).toEqual(['phone', 'phone', 'tablet', 'tablet'])
    const bars: number[] = []
    tablet.on('history', ([transfer]) => void (transfer && bars.push(transfer.progress.done)))
    await net.drive(ended(tablet))
    await net.settle()
    expect(await texts(tablet)).toEqual(await texts(phone))
    expect(bars).toEqual([...bars].sort((a, b) => a - b))
    expect([...parts.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: parts.size }, (_, i) => i + 1))
    expect(parts.size).toBeGreaterThan(3)
    // A part that was taken is not asked for again: one more for each death before that.
    expect([...read.values()].reduce((sum, times) => sum + times, 0)).toBe(parts.size + 2)
    expect(await phone.devices.history.state()).toMatchObject([{ direction: 'sending', status: 'done' }])
  })

  it('attack 39: without being asked for no history goes, and nothing lies on the server', async () => {
    const { net, alice } = await talked(4)
    const asked: string[] = []
    net.malicious.on('history.open', ({ forward }) => {
      asked.push('open')
      return forward()
    })
    net.malicious.on('history.put', ({ forward }) => {
      asked.push('put')
      return forward()
    })
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    await net.advance(60_000)
    expect(await texts(tablet)).toEqual([])
    expect([await alice.devices.history.state(), await tablet.devices.history.state()]).toEqual([[], []])
    expect(asked).toEqual([])
  })

  it('only from a time on, where that was chosen', async () => {
    const { net, alice, toAlice } = await talked(4)
    await net.advance(5_000)
    const since = net.clock.now()
    await toAlice.send('late')
    await net.settle()
    const tablet = await net.client('Tablet', { linkedTo: alice, history: { since } })
    await net.drive(ended(tablet))
    expect(await texts(tablet)).toEqual(['late'])
    expect((await tablet.conversations.list())[0]?.peer.displayName).toBe('Bob')
  })

  it('ends with the day: what has come stays', async () => {
    const { net, alice } = await talked(6)
    const stop = net.malicious.on('history.put', () => {
      throw new SecureChatError('server/unavailable')
    })
    const tablet = await net.client('Tablet', { linkedTo: alice, history: true })
    await net.advance(20_000)
    expect(await tablet.devices.history.state()).toMatchObject([{ status: 'running' }])
    await net.clock.jump(25 * 3_600_000)
    stop()
    await net.settle()
    await net.advance(60_000)
    expect(await tablet.devices.history.state()).toMatchObject([{ status: 'expired' }])
    expect(await alice.devices.history.state()).toMatchObject([{ status: 'expired' }])
  })
})

const ended = (client: TestClient): Promise<void> =>
  new Promise((resolve) => {
    const look = (transfers: Awaited<ReturnType<TestClient['devices']['history']['state']>>): void => {
      if (transfers.length > 0 && transfers.every(({ status }) => status !== 'running')) resolve()
    }
    client.on('history', look)
    void client.devices.history.state().then(look)
  })
