import { acceptDevice, encryptMessage, localDevice } from '@securechat/crypto'
import type { DeviceId } from '@securechat/protocol'
import type { TestClient } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, expectUnchanged, FIRST_DEVICE, friends, listenTo, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const SECOND = 2 as DeviceId

/** Whatever the keys of messages depend on. A contact's unreadable row may leave a placeholder; that shows nothing of it. */
const keysOf = async (client: TestClient) => new Map([...(await stateOf(client))].filter(([key]) => /^(session|prekey|pin|seen|keys|outbox)/.test(key)))
const textsOf = async (client: TestClient) => (await received(client)).filter((text) => text !== '').sort()

describe('attack 17: an envelope for somebody else, or as from somebody else', () => {
  it('attack 17: from user to user, from another user, and back to its writer: read by nobody else, nothing changes', async () => {
    const { net, alice, bob, aliceId, bobId, toBob } = await friends()
    const carol = await net.client('Carol')
    const carolId = await accountOf(carol)
    for (const [from, to] of [
      [carol, bob],
      [carol, alice],
    ] as const) {
      await (await net.drive(from.conversations.direct({ phone: to.phone }))).send('from Carol')
      await net.settle()
      await (await to.conversations.get((await from.conversations.list()).find(({ peer }) => peer.phone === to.phone)!.id))!.send('to Carol')
      await net.settle()
    }
    const hold = net.malicious.onDeliver(({ client, row }) => (client === 'Bob' ? [] : [row]))
    await toBob.send('for Bob alone')
    await net.advance(3_000)
    hold()
    const { row } = net.malicious.rows.filter(({ client }) => client === 'Bob').at(-1)!
    expect(row.sender).toEqual({ accountId: aliceId, deviceId: FIRST_DEVICE })
    const places = [
      { to: carol, as: aliceId },
      { to: carol, as: bobId },
      { to: carol, as: carolId },
      { to: alice, as: bobId },
      { to: alice, as: aliceId },
      { to: alice, as: carolId },
      { to: bob, as: carolId },
      { to: bob, as: bobId },
    ]
    for (const { to, as } of places) {
      const [before, texts] = [await keysOf(to), await textsOf(to)]
      net.malicious.deliver(to.name, [{ ...row, sender: { accountId: as, deviceId: FIRST_DEVICE } }])
      await net.advance(2_000)
      expect(await keysOf(to), `${to.name} as from ${as}`).toEqual(before)
      expect(await textsOf(to)).toEqual(texts)
    }
    net.malicious.deliver('Bob', [row])
    await net.settle()
    expect(await received(bob)).toContain('for Bob alone')
  })

  it('attack 17: a first message, to another user or back to its writer, moves no session and uses up no key', async () => {
    const net = await network()
    const [alice, bob, carol] = [await net.client('Alice'), await net.client('Bob'), await net.client('Carol')]
    const ids = [await accountOf(alice), await accountOf(bob), await accountOf(carol)] as const
    for (const client of [alice, bob, carol]) for (const id of ids) if (id !== (await accountOf(client))) await net.drive(client.devices.safetyNumber(id))
    const hold = net.malicious.onDeliver(() => [])
    await (await net.drive(alice.conversations.direct({ phone: bob.phone }))).send('first')
    await net.advance(3_000)
    hold()
    const { row } = net.malicious.rows.at(-1)!
    for (const to of [carol, alice, bob])
      for (const as of ids) {
        if (to === bob && as === ids[0]) continue
        const before = await keysOf(to)
        net.malicious.deliver(to.name, [{ ...row, sender: { accountId: as, deviceId: FIRST_DEVICE } }])
        await net.advance(1_000)
        expect(await keysOf(to), `${to.name} as from ${as}`).toEqual(before)
        expect(await textsOf(to)).toEqual([])
      }
    net.malicious.deliver('Bob', [row])
    await net.settle()
    expect(await received(bob)).toEqual(['first'])
  })

  it('attack 17: from device to device of one account, though both have the same keys', async () => {
    const net = await network()
    const bob = await net.client('Bob')
    const mallory = await net.malicious.peer('Mallory')
    const { accountId, accountKeys, deviceKeys, manifest } = mallory
    // The most favourable list for the attack: a second device with the first one's keys.
    const accept = acceptDevice(mallory.deps(), { accountId, accountKey: accountKeys.publicKey, deviceId: SECOND, deviceKeys })
    const both = await net.drive(mallory.publish({ devices: [manifest.devices[0]!, { ...manifest.devices[0]!, deviceId: SECOND, addedVersion: 2, accept }] }))
    await net.drive(bob.devices.safetyNumber(accountId))
    const toBob = await net.drive(mallory.device(await accountOf(bob)))
    const { envelope } = encryptMessage(mallory.deps(), {
      record: null,
      local: localDevice(both, SECOND, deviceKeys),
      remote: toBob,
      plaintext: { common: mallory.body(toBob.accountId, { type: 'text', text: 'from the second' }), perSession: new Uint8Array(0) },
      bundle: await net.drive(mallory.bundle(toBob)),
    })
    const heard = listenTo(bob)
    const before = await stateOf(bob)
    const row = { time: net.clock.now(), envelope }
    net.malicious.deliver('Bob', [{ ...row, sender: { accountId, deviceId: FIRST_DEVICE } }])
    await net.advance(2_000)
    await expectUnchanged(bob, before)
    expect(heard.messages).toEqual([])
    net.malicious.deliver('Bob', [{ ...row, sender: { accountId, deviceId: SECOND } }])
    await net.settle()
    expect(await received(bob)).toEqual(['from the second'])
  })
})
