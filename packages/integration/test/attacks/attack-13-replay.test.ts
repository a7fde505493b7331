import type { MailboxRow } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, expectUnchanged, listenTo, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const TIMES = 1_000
const times = (row: MailboxRow, n: number): MailboxRow[] => Array.from({ length: n }, () => row)

describe('attack 13: the first message again and again', () => {
  it.each([true, false])('attack 13: 1,000 times, and 1,000 times after a restart: read once, nothing changes (one-time key: %s)', async (oneTime) => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    if (!oneTime)
      net.malicious.on('prekeys.fetch', async ({ forward }) => ({
        bundles: (await forward()).bundles.map(({ deviceId, signed, lastResort }) => ({ deviceId, signed, lastResort })),
      }))
    const before = [...(await stateOf(bob)).keys()].filter((key) => key.startsWith('prekey/')).length
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    await chat.send('once')
    await net.settle()
    expect([...(await stateOf(bob)).keys()].filter((key) => key.startsWith('prekey/'))).toHaveLength(oneTime ? before - 1 : before)
    const [first] = net.malicious.rows.filter(({ client }) => client === 'Bob')
    const heard = listenTo(bob)
    const state = await stateOf(bob)
    net.malicious.deliver('Bob', times(first!.row, TIMES))
    await net.settle()
    await expectUnchanged(bob, state)
    expect(heard).toMatchObject({ messages: [], failures: [] })

    const again = await bob.restart()
    await net.settle()
    const heardAgain = listenTo(again)
    net.malicious.deliver('Bob', times(first!.row, TIMES))
    await net.settle()
    await expectUnchanged(again, state)
    expect(heardAgain).toMatchObject({ messages: [], failures: [] })
    expect(await received(again)).toEqual(['once'])
  })

  it.each([true, false])('attack 13: also when its session was superseded and erased (one-time key: %s)', async (oneTime) => {
    const net = await network()
    const bob = await net.client('Bob')
    const mallory = await net.malicious.peer('Mallory')
    const toBob = await net.drive(mallory.device(await accountOf(bob)))
    const bundles = []
    for (let i = 0; i < 8; i++) bundles.push(await net.drive(mallory.bundle(toBob)))
    for (const [i, { signed, lastResort, oneTime: pair }] of bundles.entries()) {
      const bundle = { signed, lastResort, ...(oneTime && { oneTime: pair! }) }
      const envelope = await net.drive(mallory.encrypt(toBob, { type: 'text', text: `${i}` }, { bundle, newSession: true }))
      await net.drive(mallory.send([{ to: toBob, envelope }]))
    }
    await net.settle()
    const all = ['0', '1', '2', '3', '4', '5', '6', '7']
    expect(await received(bob)).toEqual(all)
    const rows = net.malicious.rows.filter(({ client }) => client === 'Bob').map(({ row }) => row)
    const again = await bob.restart()
    // Superseded sessions live for 14 days without a message, prekeys that were replaced for 37.
    await net.clock.jump(15 * 86_400_000)
    await net.settle()
    const state = await stateOf(again)
    const heard = listenTo(again)
    net.malicious.deliver('Bob', times(rows[0]!, TIMES))
    for (const row of rows) net.malicious.deliver('Bob', times(row, 20))
    await net.settle()
    await expectUnchanged(again, state)
    expect(heard.messages).toEqual([])
    expect(await received(again)).toEqual(all)
  })
})
