import { LIMITS, text } from '@securechat/protocol'
import type { Transport } from '@securechat/transport'
import { describe, expect, it } from 'vitest'
import { closeNetworks, friends, network, received } from '../../src/attack-scene.js'
import { alertsOf, DAY, device, idsOf, primaryIn, recoveryOf } from '../../src/own-devices.js'

closeNetworks()

const named = async (client: Parameters<typeof idsOf>[0]) => Object.fromEntries((await client.devices.list()).map(({ deviceId, name }) => [deviceId, name]))

/** Everything that clients send, as the server gets it. */
function wiretap(): { readonly wrap: (transport: Transport) => Transport; readonly heard: (word: string) => boolean } {
  const frames: Uint8Array[] = []
  return {
    wrap: (inner) => ({
      ...inner,
      async open(handlers, options) {
        const channel = await inner.open(handlers, options)
        return {
          send(bytes) {
            frames.push(bytes.slice())
            channel.send(bytes)
          },
          get bufferedBytes() {
            return channel.bufferedBytes
          },
          close: () => channel.close(),
        }
      },
    }),
    heard: (word) => frames.some((frame) => Buffer.from(frame).includes(Buffer.from(text(word)))),
  }
}

describe('the list of the own devices', () => {
  it('has names that all devices agree on, whoever gives them, and the server reads none', async () => {
    const tap = wiretap()
    const net = await network({ wrap: tap.wrap })
    const alice = await net.client('Alice', { deviceName: 'Canary telephone' })
    const tablet = await net.client('Tablet', { linkedTo: alice, deviceName: 'Canary tablet' })
    await net.settle()
    const laptop = await net.client('Laptop', { linkedTo: alice })
    await net.settle()
    const expected = { 1: 'Canary telephone', 2: 'Canary tablet', 3: 'Laptop' }
    for (const each of [alice, tablet, laptop]) expect(await named(each)).toEqual(expected)
    await tablet.devices.rename(device(1), '  Canary in the kitchen ')
    await net.settle()
    for (const each of [alice, tablet, laptop]) expect((await named(each))[1]).toBe('Canary in the kitchen')
    // A name that a person has given stays when the app starts with its own again.
    const again = await alice.restart()
    await net.settle()
    expect((await named(again))[1]).toBe('Canary in the kitchen')
    expect([tap.heard('devices.seen'), tap.heard('Canary')]).toEqual([true, false])
    expect((await laptop.devices.list()).map(({ platform }) => platform)).toEqual(['node', 'node', 'node'])
    await expect(tablet.devices.rename(device(9), 'nobody')).rejects.toMatchObject({ code: 'client/not-found' })
    for (const name of ['', ' ', 'x'.repeat(129)])
      await expect(tablet.devices.rename(device(1), name)).rejects.toMatchObject({ code: 'client/invalid-argument' })
  })

  it('says when each came, and on which day it was last there', async () => {
    const net = await network()
    const alice = await net.client('Alice')
    const linkedAt = net.clock.now()
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    const today = (): number => net.clock.now() - (net.clock.now() % DAY)
    const first = today()
    await net.drive(tablet.close())
    await net.clock.jump(3 * DAY)
    await net.settle()
    const list = await alice.devices.list()
    expect(list.map(({ lastSeen }) => lastSeen)).toEqual([today(), first])
    expect(list[1]!.linkedAt! - linkedAt).toBeGreaterThanOrEqual(0)
    expect(list[1]!.linkedAt! - linkedAt).toBeLessThan(60_000)
    expect((await alice.devices.idle()).map(({ deviceId }) => deviceId)).toEqual([2])
    const awake = await tablet.restart()
    await net.settle()
    expect((await awake.devices.list()).map(({ lastSeen }) => lastSeen)).toEqual([today(), today()])
  })
})

describe('alerts about own devices', () => {
  it('attack 39: a device that came while another was off is told at its start, on every device, until it is acknowledged there', async () => {
    const { net, alice } = await friends()
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    await net.drive(tablet.close())
    // A thief with the unlocked phone in his hands.
    await net.client('Thief', { linkedTo: alice })
    await net.settle()
    const awake = await tablet.restart()
    await net.settle()
    expect(await alertsOf(awake)).toEqual([['added', 3]])
    expect(await alertsOf(alice)).toEqual([
      ['added', 3],
      ['added', 2],
    ])
    const again = await (await alice.restart()).restart()
    const [newest, older] = await again.devices.alerts.list()
    expect(newest).toMatchObject({ kind: 'added', deviceId: 3, name: 'Thief' })
    await again.devices.alerts.acknowledge(newest!.id)
    await again.devices.alerts.acknowledge('../account')
    expect((await again.devices.alerts.list()).map(({ id }) => id)).toEqual([older!.id])
    await net.drive(again.devices.revoke(device(3)))
    await net.settle()
    expect((await again.devices.alerts.list())[0]).toMatchObject({ kind: 'removed', deviceId: 3, name: 'Thief' })
    expect(await alertsOf(awake)).toEqual([
      ['removed', 3],
      ['added', 3],
    ])
  })

  it('a device that came and went while another was off is told of, too', async () => {
    const { net, alice } = await friends()
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    await net.drive(tablet.close())
    await net.client('Passing', { linkedTo: alice })
    await net.settle()
    await net.drive(alice.devices.revoke(device(3)))
    await net.settle()
    const awake = await tablet.restart()
    await net.settle()
    expect(await alertsOf(awake)).toEqual([
      ['removed', 3],
      ['added', 3],
    ])
    expect(await idsOf(awake)).toEqual([1, 2])
  })
})

describe('idle devices', () => {
  it('are taken off the list by the primary device, and everybody is told; the primary device itself never is', async () => {
    const { net, alice } = await friends()
    const tablet = await net.client('Tablet', { linkedTo: alice })
    const laptop = await net.client('Laptop', { linkedTo: alice })
    await net.settle()
    await net.drive(tablet.close())
    for (let day = 0; day < LIMITS.idleDeviceDays; day += 15) {
      await net.clock.jump(15 * DAY)
      await net.settle()
      expect(await idsOf(alice)).toEqual([1, 2, 3])
    }
    await net.clock.jump(2 * DAY)
    await net.settle()
    expect(await idsOf(alice)).toEqual([1, 3])
    expect((await alertsOf(alice))[0]).toEqual(['expired', 2])
    expect((await alertsOf(laptop))[0]).toEqual(['expired', 2])
    const back = await tablet.restart()
    await net.settle()
    expect((await back.account.state()).status).toBe('revoked')
    // Now the primary device is the one that sleeps: nobody can take it off, and nobody does.
    await net.drive(alice.close())
    await net.clock.jump(60 * DAY)
    await net.settle()
    expect(await idsOf(laptop)).toEqual([1, 3])
  })

  it('are not those of a server that says so alone, nor of a clock that runs ahead', async () => {
    const { net, alice } = await friends()
    await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    // By the days of this server nobody was there since: not even the device that asks.
    const old = net.clock.now() - (net.clock.now() % DAY)
    net.malicious.on('devices.seen', async ({ forward }) => {
      const { devices } = await forward()
      return { devices: devices.map((one) => ({ ...one, lastSeen: old })) }
    })
    await net.clock.jump(50 * DAY)
    await net.settle()
    expect(await idsOf(alice)).toEqual([1, 2])
    // And this one says that it is the year after.
    net.malicious.on('devices.seen', async ({ forward }) => {
      const { devices } = await forward()
      return { devices: devices.map((one) => ({ ...one, lastSeen: one.deviceId === 1 ? net.clock.now() + 400 * DAY : net.clock.now() - 20 * DAY })) }
    })
    await net.clock.jump(DAY)
    await net.settle()
    expect(await idsOf(alice)).toEqual([1, 2])
  })

  it('make room when the list is full, and can be revoked although they are not there', async () => {
    const net = await network()
    const alice = await net.client('Alice')
    const limit = LIMITS.devicesPerAccount
    Object.assign(LIMITS, { devicesPerAccount: 3 })
    try {
      const old = await net.client('Old', { linkedTo: alice })
      await net.settle()
      await net.drive(old.close())
      await net.clock.jump(10 * DAY)
      await net.client('Recent', { linkedTo: alice })
      await net.settle()
      const fourth = await net.client('Fourth', { signedOut: true })
      const request = await net.drive(fourth.devices.requestLink())
      await expect(net.drive(alice.devices.scanLink(request.code))).rejects.toMatchObject({ code: 'devices/limit-reached' })
      const [oldest] = await alice.devices.idle()
      expect(oldest).toMatchObject({ deviceId: 2, name: 'Old' })
      await net.drive(alice.devices.revoke(oldest!.deviceId))
      await net.client('Fourth', { disk: fourth.disk, linkedTo: alice })
      expect(await idsOf(alice)).toEqual([1, 3, 4])
    } finally {
      Object.assign(LIMITS, { devicesPerAccount: limit })
    }
  })
})

describe('the recovery words', () => {
  it('end every other device of the account, whoever has them', async () => {
    const recoveryKey = await recoveryOf(7)
    const net = await network()
    const alice = await net.client('Alice')
    const owner = await net.client('Carol', { recoveryKey })
    const tablet = await net.client('Tablet', { linkedTo: owner })
    await net.advance(60_000)
    const found = await net.client('Carol again', { phone: owner.phone, recoveryKey })
    await net.settle()
    expect(await idsOf(found)).toEqual([3])
    expect(await primaryIn(found)).toEqual([3])
    for (const lost of [owner, tablet]) expect((await lost.account.state()).status).toBe('revoked')
    const toCarol = await net.drive(alice.conversations.direct({ phone: owner.phone }))
    await toCarol.send('only for the new one')
    await net.settle()
    expect([await received(found), await received(owner), await received(tablet)]).toEqual([['only for the new one'], [], []])
  })
})
