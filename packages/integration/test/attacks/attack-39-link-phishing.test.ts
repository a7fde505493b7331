import { generateDeviceKeys } from '@securechat/crypto'
import { createLinkOffer } from '@securechat/crypto/linking'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { toBase64Url } from '@securechat/protocol'
import { seededRandom } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { closeNetworks, friends, listenTo, messagesOf } from '../../src/attack-scene.js'

closeNetworks()

const provider = await sodiumProvider()

describe('attack 39: a linking code that somebody else shows', () => {
  it('attack 39: no link, message or contact starts linking: only a code given to the scanner does, and only its bare text', async () => {
    const { net, alice, bob, toAlice } = await friends()
    const random = seededRandom(39).bytes
    const deps = { provider, random, now: net.clock.now() }
    const code = toBase64Url(createLinkOffer(deps, generateDeviceKeys(deps)).code)
    const forms = [`https://chat.example.com/link#${code}`, `securechat://link/${code}`, `securechat:${code}`, `web+securechat:${code}`, `SC1:${code}`]
    for (const form of [code, ...forms]) await toAlice.send(form)
    await net.settle()
    for (const form of forms) await expect(net.drive(alice.devices.scanLink(form))).rejects.toMatchObject({ code: 'client/invalid-argument' })
    expect(await alice.devices.list()).toHaveLength(1)
    expect(await bob.devices.list()).toHaveLength(1)
  })

  it('attack 39: a person who is tricked into scanning and does not compare the digits is asked for them, and without them nothing is signed', async () => {
    const { net, alice } = await friends()
    const thief = await net.client('Thief', { signedOut: true })
    const request = await net.drive(thief.devices.requestLink())
    const scan = await net.drive(alice.devices.scanLink(request.code))
    const invitation = await net.drive(request.answered())
    const confirmed = invitation.confirm().catch((error: { code: string }) => error.code)
    for (const typed of ['', '000000', '12345', '1234567', `${scan.digits}0`, 'yes']) {
      if (typed === scan.digits) continue
      await expect(scan.approve(typed)).rejects.toMatchObject({ code: 'devices/link-mismatch' })
    }
    expect(await net.drive(confirmed)).toBe('devices/link-expired')
    expect(await alice.devices.list()).toHaveLength(1)
  })

  it('attack 39: a device that was linked gets no history, every other device is told, and one call ends it', async () => {
    const { net, alice, toAlice } = await friends()
    await toAlice.send('before the thief came')
    await net.settle()
    const tablet = await net.client('Tablet', { linkedTo: alice })
    const told: string[] = []
    for (const [name, device] of [
      ['phone', alice],
      ['tablet', tablet],
    ] as const) {
      listenTo(device)
      device.on('devices-changed', ({ added }) => void told.push(`${name} ${added.join()}`))
    }
    const thief = await net.client('Thief', { linkedTo: alice })
    await net.settle()
    expect(await messagesOf(thief)).toEqual([])
    expect(told.sort()).toEqual(['phone 3', 'tablet 3'])
    await net.drive(alice.devices.revoke(3 as never))
    await net.settle()
    expect((await thief.account.state()).status).toBe('revoked')
  })
})
