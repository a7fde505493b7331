import { type CrashStep, createCrashPoints, readStored, type TestClient, type TestNetwork } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, type Friends, friends, type Heard, listenTo, network, received } from '../../src/attack-scene.js'
import { enableBackup, restored, rowsWithBackupKey, typedBack } from '../../src/backup-scene.js'
import { alertsOf, device, idsOf, primaryIn, recoveryOf } from '../../src/own-devices.js'

closeNetworks()

const hasKey = async ({ disk }: TestClient): Promise<boolean> => (await readStored(disk)).has('keys/account')

async function twoDevices(): Promise<Friends & { tablet: TestClient; heard: Heard[] }> {
  const scene = await friends()
  const tablet = await scene.net.client('Tablet', { linkedTo: scene.alice })
  await scene.net.settle()
  return { ...scene, tablet, heard: [scene.alice, scene.bob, tablet].map((client) => listenTo(client)) }
}

/** What a person with a device in each hand does. */
async function promote(net: TestNetwork, to: TestClient, by: TestClient): Promise<void> {
  const request = await net.drive(to.devices.requestPromotion())
  const scan = await net.drive(by.devices.scanLink(request.code))
  const invitation = await net.drive(request.answered())
  expect([scan.kind, scan.digits]).toEqual(['promotion', invitation.digits])
  await net.drive(Promise.all([scan.approve(invitation.digits), invitation.confirm()]))
}

describe('promotion of a linked device', () => {
  it('moves flag and account key, for everybody to see, and the old primary device keeps neither', async () => {
    const { net, alice, bob, tablet, toAlice, heard } = await twoDevices()
    await promote(net, tablet, alice)
    await net.settle()
    expect([await hasKey(alice), await hasKey(tablet)]).toEqual([false, true])
    for (const each of [alice, tablet]) expect([await primaryIn(each), (await alertsOf(each))[0]]).toEqual([[2], ['primary', 2]])
    await expect(net.drive(alice.devices.revoke(device(2)))).rejects.toMatchObject({ code: 'devices/not-primary' })
    const laptop = await net.client('Laptop', { linkedTo: tablet })
    await net.drive(tablet.devices.revoke(device(1)))
    await toAlice.send('to the new order of things')
    await net.settle()
    expect([await idsOf(tablet), await received(alice)]).toEqual([[2, 3], ['Hello Bob', 'Hello Alice'].slice(2).concat(['Hello Alice'])])
    expect((await received(laptop)).at(-1)).toBe('to the new order of things')
    expect((await alice.account.state()).status).toBe('revoked')
    expect(heard.flatMap(({ alerts }) => alerts)).toEqual([])
    expect((await bob.contacts.list())[0]).toMatchObject({ identityChanged: false })
  })

  it('can go back, and goes only to a listed device of the account, from the one that has the key', async () => {
    const { net, alice, bob, tablet } = await twoDevices()
    const laptop = await net.client('Laptop', { linkedTo: alice })
    await net.settle()
    await expect(net.drive(alice.devices.requestPromotion())).rejects.toMatchObject({ code: 'client/invalid-argument' })
    const ofLaptop = await net.drive(laptop.devices.requestPromotion())
    await expect(net.drive(tablet.devices.scanLink(ofLaptop.code))).rejects.toMatchObject({ code: 'devices/not-primary' })
    // A code of another account’s device, which no list of this one names.
    await net.client('Bob’s tablet', { linkedTo: bob })
    await expect(net.drive(bob.devices.scanLink(ofLaptop.code))).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await promote(net, tablet, alice)
    await net.settle()
    await promote(net, alice, tablet)
    await net.settle()
    expect([await primaryIn(laptop), await hasKey(alice), await hasKey(tablet)]).toEqual([[1], true, false])
    await net.drive(alice.devices.revoke(device(2)))
    await net.settle()
    expect(await idsOf(laptop)).toEqual([1, 3])
  })

  it('attack 40: nothing of the key leaves before the digits are right and the listed device has signed this very exchange', async () => {
    const { net, alice, tablet } = await twoDevices()
    const handovers: unknown[] = []
    net.malicious.on('links.handover', ({ input, forward }) => {
      handovers.push(input)
      return forward()
    })
    const request = await net.drive(tablet.devices.requestPromotion())
    const scan = await net.drive(alice.devices.scanLink(request.code))
    const invitation = await net.drive(request.answered())
    for (const typed of ['', '000000', `${invitation.digits}0`].filter((one) => one !== invitation.digits))
      await expect(scan.approve(typed)).rejects.toMatchObject({ code: 'devices/link-mismatch' })
    // Somebody between who puts another confirmation in the place of the tablet’s.
    net.malicious.on('links.read', async ({ client, forward }) => {
      const meeting = await forward()
      return client === 'Alice' && meeting.confirmation
        ? { ...meeting, confirmation: meeting.confirmation.map((byte, i) => (i === 90 ? byte ^ 1 : byte)) }
        : meeting
    })
    const confirming = invitation.confirm().catch((error: { code: string }) => error.code)
    await expect(net.drive(scan.approve(invitation.digits))).rejects.toMatchObject({ code: 'crypto/authentication-failed' })
    expect(await net.drive(confirming)).toBe('devices/link-expired')
    expect([handovers.length, await hasKey(tablet), await primaryIn(alice)]).toEqual([0, false, [1]])
  })

  it('a handover that the server withholds is asked for again: the one that has the key gives it to the flagged one, and signs nothing meanwhile', async () => {
    const { net, alice, tablet, heard } = await twoDevices()
    const laptop = await net.client('Laptop', { linkedTo: alice })
    await net.settle()
    const stop = net.malicious.on('links.read', async ({ client, forward }) => {
      const { handover, ...rest } = await forward()
      return client === 'Tablet' ? rest : { ...rest, ...(handover && { handover }) }
    })
    const request = await net.drive(tablet.devices.requestPromotion())
    const scan = await net.drive(alice.devices.scanLink(request.code))
    const invitation = await net.drive(request.answered())
    const confirming = invitation.confirm().catch((error: { code: string }) => error.code)
    await net.drive(scan.approve(invitation.digits))
    expect(await net.drive(confirming)).toBe('devices/link-expired')
    stop()
    await net.settle()
    expect([await primaryIn(laptop), await hasKey(alice), await hasKey(tablet)]).toEqual([[2], true, false])
    await expect(net.drive(alice.devices.revoke(device(3)))).rejects.toMatchObject({ code: 'devices/not-primary' })
    await net.clock.jump(20 * 86_400_000)
    await net.settle()
    const ofLaptop = await net.drive(laptop.devices.requestPromotion())
    await expect(net.drive(alice.devices.scanLink(ofLaptop.code))).rejects.toMatchObject({ code: 'devices/not-primary' })
    await promote(net, tablet, alice)
    await net.settle()
    expect([await hasKey(alice), await hasKey(tablet)]).toEqual([false, true])
    await net.drive(tablet.devices.revoke(device(3)))
    expect(heard.flatMap(({ alerts }) => alerts)).toEqual([])
  })

  it('leaves nothing on the old primary device that opens the backup, in which the account key is', async () => {
    const { net, alice, tablet } = await twoDevices()
    const words = await enableBackup(net, alice)
    const accountId = await accountOf(alice)
    const holds = (client: TestClient): Promise<string[]> => rowsWithBackupKey(client, words)
    expect(await holds(alice)).toEqual(['backup'])
    await promote(net, tablet, alice)
    await net.settle()
    expect([await hasKey(alice), await holds(alice), await holds(tablet)]).toEqual([false, [], []])
    expect(await alice.backups.state()).toEqual({ enabled: false, bytes: 0 })
    // The backup itself stays, and the new primary device goes on with it once it has the words.
    const before = (await net.store.backupManifest(accountId))!.version
    await net.drive(tablet.backups.enable({ words, confirmed: typedBack(words, [1, 2, 3]) }))
    await net.drive(tablet.backups.run())
    expect((await net.store.backupManifest(accountId))!.version).toBe(before + 1)
  })

  it('a linked device that restored a backup keeps nothing that opens it', async () => {
    const { net, alice, tablet } = await twoDevices()
    const words = await enableBackup(net, alice)
    await restored(net, tablet, words)
    expect((await tablet.backups.state()).restore).toMatchObject({ status: 'done' })
    expect(await rowsWithBackupKey(tablet, words)).toEqual([])
  })

  it('warns where the store or the words are missing', async () => {
    const net = await network()
    const alice = await net.client('Alice', { recoveryKey: await recoveryOf(3) })
    const tablet = await net.client('Tablet', { linkedTo: alice })
    const bob = await net.client('Bob')
    const other = await net.client('Bob’s tablet', { linkedTo: bob })
    expect((await net.drive(tablet.devices.requestPromotion())).warnings).toEqual([])
    expect((await net.drive(other.devices.requestPromotion())).warnings).toEqual(['no-recovery-words'])
  })
})

describe('promotion, dying in the middle', () => {
  /** One of the two dies at a step; both start again, and whoever is flagged without the key asks for it. */
  async function dying(who: 'old' | 'new', dieAt: number): Promise<readonly CrashStep[]> {
    let armed = false
    const crash = createCrashPoints({ dieAt, from: () => armed })
    const net = await network({ seed: 40 })
    const alice = await net.client('Alice', who === 'old' ? { crash } : {})
    const tablet = await net.client('Tablet', { linkedTo: alice, ...(who === 'new' && { crash }) })
    const bob = await net.client('Bob')
    const toAlice = await net.drive(bob.conversations.direct({ phone: alice.phone }))
    await toAlice.send('before')
    await net.settle()
    const heard = listenTo(bob)
    const request = await net.drive(tablet.devices.requestPromotion())
    const scan = await net.drive(alice.devices.scanLink(request.code))
    const invitation = await net.drive(request.answered())
    armed = true
    const ends = [scan.approve(invitation.digits), invitation.confirm()].map((end) => end.catch(() => undefined))
    // Whoever has died never answers.
    await net.drive(Promise.race([Promise.all(ends), net.clock.advance(200_000)]))
    await net.advance(200_000)
    armed = false
    const devices = [alice, tablet]
    if (crash.dead) {
      const at = who === 'old' ? 0 : 1
      const { name, phone, disk } = devices[at]!
      devices[at] = await net.client(name, { disk, phone })
    }
    await net.settle()
    const [old, next] = devices as [TestClient, TestClient]
    const told = [listenTo(old), listenTo(next)]
    const [flagged] = await primaryIn(old)
    if (flagged === 1 || !(await hasKey(next))) await promote(net, next, old)
    await net.settle()
    expect([await primaryIn(old), await primaryIn(next), await hasKey(old), await hasKey(next)], `${who} ${dieAt}`).toEqual([[2], [2], false, true])
    await net.client('Laptop', { linkedTo: next })
    await toAlice.send('after')
    await net.settle()
    expect((await received(old)).at(-1)).toBe('after')
    expect([...told, heard].flatMap(({ alerts }) => alerts)).toEqual([])
    return crash.steps
  }

  it.each(['old', 'new'] as const)(
    'the %s primary device may die at any step: one device signs, and it has the key',
    async (who) => {
      const steps = await dying(who, Number.POSITIVE_INFINITY)
      // What lies between two of them leaves the same behind as one of them; every step is tried where nobody waits.
      const seen = steps.flatMap(({ what, when }, at) => (['commit', 'send'].includes(what) && when === 'before' ? [at] : []))
      expect(seen.length).toBeGreaterThan(6)
      const points = process.env['SECURECHAT_EVERY_STEP'] ? steps.map((_, at) => at) : seen.filter((_, i) => i % Math.ceil(seen.length / 10) === 0)
      for (const dieAt of points) await dying(who, dieAt)
    },
    600_000,
  )
})
