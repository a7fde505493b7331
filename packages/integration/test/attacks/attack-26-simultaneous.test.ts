import { decodeSession, sendingSession } from '@securechat/crypto'
import { type AccountId, type KnownEnvelope, parseEnvelope } from '@securechat/protocol'
import type { TestClient } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, FIRST_DEVICE, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

async function sendingTag(client: TestClient, peer: AccountId): Promise<string> {
  const key = [...(await stateOf(client)).keys()].find((name) => name.startsWith(`session/${peer}/`))!
  const session = sendingSession(decodeSession((await stateOf(client)).get(key)!))
  return Buffer.from(session!.ratchet.th.subarray(0, 8)).toString('hex')
}
/** Which of the first rows to Alice and to Bob are lost: two bits for each side. */
const LOSSES = Array.from({ length: 16 }, (_, mask) => ({ Alice: [(mask & 1) > 0, (mask & 2) > 0], Bob: [(mask & 4) > 0, (mask & 8) > 0] }))

describe('attack 26: both begin at once, and messages are lost', () => {
  it.each(LOSSES)('attack 26: lost to Alice $Alice, to Bob $Bob: both are on one session within two round trips', async (lost) => {
    const net = await network({ seed: 26 })
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    const ids = { Alice: await accountOf(alice), Bob: await accountOf(bob) }
    const [toBob, toAlice] = [
      await net.drive(alice.conversations.direct({ phone: bob.phone })),
      await net.drive(bob.conversations.direct({ phone: alice.phone })),
    ]
    let crossing = false
    const count = { Alice: 0, Bob: 0 }
    const waiting: { client: 'Alice' | 'Bob'; row: Parameters<typeof net.malicious.deliver>[1][number] }[] = []
    net.malicious.onDeliver(({ client, row }) => {
      const to = client as 'Alice' | 'Bob'
      if (lost[to][count[to]++]) return []
      if (!crossing) return [row]
      waiting.push({ client: to, row })
      return []
    })
    // Each time both have written, receipts included, before either reads: the first messages, and the first answers to them.
    const release = (): void => {
      for (const { client, row } of waiting.splice(0)) net.malicious.deliver(client, [row])
    }
    crossing = true
    for (let trip = 0; trip <= 2; trip++) {
      await Promise.all([toBob.send(`a${trip}`), toAlice.send(`b${trip}`)])
      await net.advance(1_500)
      release()
      await net.advance(1_500)
    }
    crossing = false
    release()
    await net.advance(1_500)
    expect(await sendingTag(alice, ids.Bob)).toBe(await sendingTag(bob, ids.Alice))
    // What is sent from now on is on that session, and whatever was not lost was read, in order.
    const before = net.malicious.sends.length
    await toBob.send('a3')
    await toAlice.send('b3')
    await net.settle()
    const tags = net.malicious.sends
      .slice(before)
      .flatMap(({ frame }) => frame.recipients.filter(({ deviceId }) => deviceId === FIRST_DEVICE))
      .map(({ envelope }) => Buffer.from((parseEnvelope(envelope) as KnownEnvelope).ratchet.sessionTag).toString('hex'))
    expect([...new Set(tags)]).toEqual([await sendingTag(alice, ids.Bob)])
    for (const [client, sent] of [
      [alice, 'b'],
      [bob, 'a'],
    ] as const) {
      const texts = await received(client)
      const losses = lost[client.name as 'Alice' | 'Bob'].filter(Boolean).length
      expect(texts.at(-1)).toBe(`${sent}3`)
      expect(texts.length).toBeGreaterThanOrEqual(4 - losses)
      expect(texts).toEqual([...texts].sort())
      expect(new Set(texts).size).toBe(texts.length)
    }
  })
})
