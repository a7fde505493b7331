import { LIMITS } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, FIRST_DEVICE, type Friends, friends, listenTo } from '../../src/attack-scene.js'
import { DAY } from '../../src/own-devices.js'

closeNetworks()

/** From now on the server shows Bob the list of Alice's devices as it was. */
async function frozen({ net, aliceId }: Friends): Promise<void> {
  net.malicious.on('devices.manifest', async ({ client, input, forward }) => {
    const answer = await forward()
    return client === 'Bob' && input.accountId === aliceId ? { manifests: answer.manifests.slice(0, 1), more: false } : answer
  })
  // It takes what Bob encrypts to the old list.
  net.malicious.onSend(({ client, frame, forward }) =>
    forward(client === 'Bob' ? { ...frame, recipients: frame.recipients.map((to) => ({ ...to, manifestVersion: 1_000 })) } : frame),
  )
}

describe('attack 04: a server that keeps a list as it was', () => {
  it('attack 04: is found with the first message of the account, which names the newer list, and what it hides is not written to', async () => {
    const scene = await friends()
    const { net, alice, bob, toBob, toAlice } = scene
    await frozen(scene)
    const heard = listenTo(bob)
    await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    expect(heard.alerts).toEqual([])
    await toBob.send('from a phone that knows of its tablet')
    await net.settle()
    expect(heard.alerts).toContain('devices/manifest-rollback')
    const before = net.malicious.sends.length
    await toAlice.send('to the one device that Bob was shown')
    await net.advance(5_000)
    const audience = net.malicious.sends
      .slice(before)
      .flatMap(({ client, frame }) => (client === 'Bob' ? frame.recipients.map(({ deviceId }) => deviceId) : []))
    expect(new Set(audience)).toEqual(new Set([FIRST_DEVICE]))
  })

  it('attack 04: is found by its expiry where no message comes, and told once a start', async () => {
    const scene = await friends()
    const { net, alice, bob, aliceId, toAlice } = scene
    await frozen(scene)
    const stale: string[] = []
    bob.on('devices-stale', ({ accountId }) => void stale.push(accountId))
    await net.drive(alice.close())
    await net.clock.jump((LIMITS.manifestDays + LIMITS.manifestWarningDays - 1) * DAY)
    await toAlice.send('are you there?')
    await net.settle()
    expect(stale).toEqual([])
    await net.clock.jump(2 * DAY)
    await toAlice.send('hello?')
    await toAlice.send('anybody?')
    await net.settle()
    expect(stale).toEqual([aliceId])
    expect(await accountOf(alice)).toBe(aliceId)
  })

  it('attack 04: a device whose own list is kept from it is told, too', async () => {
    const { net, alice } = await friends()
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    const own = await accountOf(alice)
    net.malicious.on('devices.manifest', async ({ client, input, forward }) => {
      const answer = await forward()
      return client === 'Tablet' && input.accountId === own ? { manifests: answer.manifests.slice(0, 1), more: false } : answer
    })
    const stale: string[] = []
    tablet.on('devices-stale', ({ accountId }) => void stale.push(accountId))
    for (let day = 0; day < LIMITS.manifestDays + LIMITS.manifestWarningDays; day += 5) {
      await net.clock.jump(5 * DAY)
      await net.settle()
    }
    await net.clock.jump(DAY)
    await net.settle()
    expect(stale).toEqual([own])
  })
})
