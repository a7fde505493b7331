import { type SecureChatError, toBase64Url } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, FIRST_DEVICE, friends, listenTo, messagesOf, received, stateOf } from '../../src/attack-scene.js'
import { DAY } from '../../src/own-devices.js'

closeNetworks()

const SECOND = 2 as never
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'answered',
    (error: SecureChatError) => error.code,
  )

describe('attack 42: a device that was taken off the list', () => {
  it('attack 42: tokens, socket, queue and fan-out are dead at once, and it cannot come back by itself', async () => {
    const { net, alice, aliceId, toAlice } = await friends()
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await toAlice.send('seen by both')
    await net.settle()
    // A stolen device: its disk is copied while it is signed in, and it does not care for being told to leave.
    const stolen = tablet.disk.clone()
    const hold = net.malicious.onDeliver(({ client, row }) => (client === 'Tablet' ? [] : [row]))
    await toAlice.send('waits in its queue')
    await net.advance(2_000)
    hold()
    let deniedAt = Number.POSITIVE_INFINITY
    tablet.on('signed-out', () => {
      deniedAt = net.clock.now()
    })
    const askedAt = net.clock.now()
    await net.drive(alice.devices.revoke(SECOND))
    await net.settle()
    expect((await tablet.account.state()).status).toBe('revoked')
    // By the network's clock, which stands still while anybody works: the way there and back, no waiting in between.
    expect(deniedAt - askedAt).toBeLessThanOrEqual(1_000)

    const thief = await net.client('Thief', { disk: stolen })
    const told: string[] = []
    thief.on('signed-out', ({ reason }) => void told.push(reason))
    await net.settle()
    expect((await thief.account.state()).status).toBe('revoked')
    // Bob does not know yet: what he encrypts to the old list is refused by the server, and what he sends then is for the phone alone.
    const sendsBefore = net.malicious.sends.length
    await toAlice.send('for the phone alone')
    await net.settle()
    const audiences = net.malicious.sends
      .slice(sendsBefore)
      .map(({ frame }) => frame.recipients.flatMap((to) => (to.accountId === aliceId ? [to.deviceId] : [])))
    expect(audiences.filter((devices) => devices.length > 0).at(-1)).toEqual([FIRST_DEVICE])
    await toAlice.send('and this at once')
    await net.settle()
    expect(net.malicious.sends.at(-1)!.frame.recipients.filter(({ deviceId, accountId }) => accountId === aliceId && deviceId === SECOND)).toEqual([])
    expect(await received(thief)).toEqual(['seen by both'])
    expect((await received(alice)).slice(-2)).toEqual(['for the phone alone', 'and this at once'])
    // Nothing that it still has in its hands is worth anything to the server.
    const carol = await net.client('Carol')
    expect(await code(net.drive(thief.contacts.find({ phone: carol.phone }), 60_000))).not.toBe('answered')
  })

  it('attack 42: what it writes after that reaches nobody, even where the server passes it on', async () => {
    const { net, alice, bob, aliceId } = await friends()
    const tablet = await net.client('Tablet', { linkedTo: alice })
    const fromTablet = await net.drive(tablet.conversations.direct({ accountId: await accountOf(bob) }))
    await fromTablet.send('while it was listed')
    await net.settle()
    // Kept back until the list has changed.
    const kept: { row: unknown }[] = []
    const hold = net.malicious.onDeliver(({ client, row }) => {
      if (client !== 'Bob') return [row]
      kept.push({ row })
      return []
    })
    await fromTablet.send('written in time, delivered late')
    await net.advance(3_000)
    await net.drive(alice.devices.revoke(SECOND))
    hold()
    // Bob hears of the new list with the next message that he gets or sends.
    const toAlice = (await bob.conversations.get((await bob.conversations.list())[0]!.id))!
    await toAlice.send('hello')
    await net.settle()
    expect([...(await stateOf(bob)).keys()].filter((key) => key.startsWith(`session/${aliceId}/`))).toEqual([`session/${aliceId}/0000000001`])
    net.malicious.deliver('Bob', kept.map(({ row }) => row) as never)
    await net.settle()
    expect((await messagesOf(bob)).map(({ text }) => text)).not.toContain('written in time, delivered late')
  })

  it('attack 42: a server that says it has the list without the device, and keeps the old one, is found out, and gets no second list of that version', async () => {
    const { net, alice } = await friends()
    await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    const heard = listenTo(alice)
    const lists: string[] = []
    const end = net.malicious.on('devices.updateManifest', ({ client, input, forward }) => {
      if (client !== 'Alice') return forward()
      lists.push(toBase64Url(input.manifest))
      return {}
    })
    expect(await code(net.drive(alice.devices.revoke(SECOND)))).toBe('devices/manifest-rollback')
    expect(heard.alerts).toContain('devices/manifest-rollback')
    // What was signed goes on being the only one of its version, whatever is asked for meanwhile and whatever the clock says.
    expect(await code(net.drive(alice.devices.revoke(SECOND)))).toBe('request/conflict')
    await net.clock.jump(20 * DAY)
    await net.settle()
    expect(new Set(lists).size).toBe(1)
    expect(lists.length).toBeGreaterThan(1)
    end()
    await alice.restart()
    await net.settle()
    const { manifests } = (await net.store.manifests({ accountId: await accountOf(alice), after: 2, limit: 1 }))!
    expect(manifests.map(toBase64Url)).toEqual([lists[0]])
  })
})
