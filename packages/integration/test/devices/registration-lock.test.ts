import { LIMITS } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { closeNetworks, FIRST_DEVICE, friends, listenTo, network, received } from '../../src/attack-scene.js'
import { alertsOf, DAY, idsOf, recoveryOf } from '../../src/own-devices.js'

closeNetworks()

const PIN = '739 184'

describe('registration lock', () => {
  it('attack 54: who has taken over the number has the code, and gets nowhere without the PIN; the owner is told', async () => {
    const { net, alice, toAlice, bob } = await friends()
    await net.drive(alice.account.setRegistrationLock(PIN))
    expect(await net.drive(alice.account.registrationLock())).toMatchObject({ since: expect.any(Number) })
    const heard = listenTo(bob)
    await net.advance(60_000)
    const thief = await net.client('Thief', { signedOut: true })
    const login = await net.drive(thief.account.requestCode({ phone: alice.phone }))
    const { code } = net.codes.at(-1)!
    await expect(net.drive(login.confirm({ code, replaceKeys: true }))).rejects.toMatchObject({ code: 'auth/pin-required' })
    await expect(net.drive(login.confirm({ code, replaceKeys: true, pin: '0000' }))).rejects.toMatchObject({ code: 'auth/pin-wrong', triesLeft: 9 })
    await expect(net.drive(login.confirm({ code, replaceKeys: true, pin: '1111' }))).rejects.toMatchObject({ code: 'auth/pin-wrong', triesLeft: 8 })
    await net.settle()
    expect((await alice.account.state()).status).toBe('signed-in')
    expect(await alertsOf(alice)).toEqual([['sign-in-refused', undefined]])
    await toAlice.send('still for Alice alone')
    await net.settle()
    expect((await received(alice)).at(-1)).toBe('still for Alice alone')
    expect([heard.identityChanges, heard.recoveries]).toEqual([[], []])
    expect((await thief.account.state()).status).toBe('signed-out')
  })

  it('attack 54: nor does he by calling the server himself, with whatever manifest', async () => {
    const { net, alice } = await friends()
    await net.drive(alice.account.setRegistrationLock(PIN))
    await net.advance(60_000)
    const thief = await net.client('Thief', { signedOut: true })
    // A client that does not care for the lock.
    net.malicious.on('auth.confirmCode', async ({ forward }) => {
      const { lock: _, ...answer } = await forward()
      return answer
    })
    const login = await net.drive(thief.account.requestCode({ phone: alice.phone }))
    const { code } = net.codes.at(-1)!
    await expect(net.drive(login.confirm({ code, replaceKeys: true }))).rejects.toMatchObject({ code: 'auth/pin-required' })
    // With recovery words of his own choice.
    const words = await recoveryOf(66)
    await expect(net.drive(login.confirm({ code, replaceKeys: true, recoveryKey: words }))).rejects.toMatchObject({ code: 'client/invalid-argument' })
    expect((await alice.account.state()).status).toBe('signed-in')
    expect(await idsOf(alice)).toEqual([FIRST_DEVICE])
  })

  it('the owner signs in with the PIN, and with the recovery words without it', async () => {
    const net = await network()
    const recoveryKey = await recoveryOf(5)
    const alice = await net.client('Alice', { recoveryKey })
    await net.drive(alice.account.setRegistrationLock(PIN))
    await net.advance(60_000)
    const second = await net.client('Second', { phone: alice.phone, replaceKeys: true, pin: ` ${PIN}`.trim() })
    expect(await idsOf(second)).toEqual([2])
    await net.advance(120_000)
    expect(await net.drive(second.account.registrationLock())).toBeDefined()
    await net.drive(second.account.setRegistrationLock(null))
    expect(await net.drive(second.account.registrationLock())).toBeUndefined()
    const bob = await net.client('Bob', { recoveryKey })
    await net.drive(bob.account.setRegistrationLock(PIN))
    await net.advance(60_000)
    const again = await net.client('Bob again', { phone: bob.phone, recoveryKey })
    expect(await idsOf(again)).toEqual([2])
  })

  it('is the primary device’s to set, and a device that is linked needs no PIN', async () => {
    const { net, alice } = await friends()
    await net.drive(alice.account.setRegistrationLock(PIN))
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await expect(net.drive(tablet.account.setRegistrationLock(null))).rejects.toMatchObject({ code: 'devices/not-primary' })
    for (const pin of ['', '123', 'x'.repeat(65)])
      await expect(net.drive(alice.account.setRegistrationLock(pin))).rejects.toMatchObject({ code: 'client/invalid-argument' })
    expect(await idsOf(tablet)).toEqual([1, 2])
  })

  it('gives way when nobody of the account was there for days, so that the next owner of a number can sign in; not earlier', async () => {
    const { net, alice } = await friends()
    await net.drive(alice.account.setRegistrationLock(PIN))
    await net.drive(alice.close())
    await net.clock.jump(LIMITS.registrationLockIdleDays * DAY)
    const early = await net.client('Early', { signedOut: true })
    const login = await net.drive(early.account.requestCode({ phone: alice.phone }))
    await expect(net.drive(login.confirm({ code: net.codes.at(-1)!.code, replaceKeys: true }))).rejects.toMatchObject({ code: 'auth/pin-required' })
    await net.clock.jump(DAY)
    const next = await net.client('Next', { phone: alice.phone, replaceKeys: true })
    expect(await idsOf(next)).toEqual([2])
    expect(await net.drive(next.account.registrationLock())).toBeUndefined()
  })

  it('attack 54: right codes for many numbers are ten guesses a day for each of them, however many codes and connections', async () => {
    const net = await network()
    const victims = await Promise.all(['A', 'B', 'C', 'D', 'E'].map((name) => net.client(name)))
    for (const victim of victims) await net.drive(victim.account.setRegistrationLock(PIN))
    await net.advance(60_000)
    let guesses = 0
    const outcomes: string[] = []
    // Guesses by hand: the client’s would each cost what a person’s does.
    net.malicious.on('auth.unlockRegistration', async ({ forward }) => {
      const first = await forward({ key: new Uint8Array(32).fill(guesses++) })
      expect(first.unlocked).toBe(false)
      const more = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => forward({ key: new Uint8Array(32).fill(100 + i) })))
      outcomes.push(...more.map((one) => (one.status === 'rejected' ? one.reason.code : one.value.unlocked ? 'IN' : 'wrong')))
      return first
    })
    for (const victim of victims) {
      const thief = await net.client('Thief', { signedOut: true })
      const login = await net.drive(thief.account.requestCode({ phone: victim.phone }))
      const attempt = login.confirm({ code: net.codes.at(-1)!.code, replaceKeys: true, pin: '0000' })
      await expect(net.drive(attempt)).rejects.toMatchObject({ code: 'auth/pin-wrong', triesLeft: 9 })
    }
    const count = (outcome: string): number => outcomes.filter((one) => one === outcome).length
    expect([count('wrong'), count('auth/too-many-tries'), count('IN')]).toEqual([45, 55, 0])
    // Another code for the same number brings no further tries, and the next day ten.
    net.malicious.clear()
    await net.advance(60_000)
    const [first] = victims
    const again = await net.client('Thief', { signedOut: true })
    const login = await net.drive(again.account.requestCode({ phone: first!.phone }))
    const refused = login.confirm({ code: net.codes.at(-1)!.code, replaceKeys: true, pin: PIN })
    await expect(net.drive(refused)).rejects.toMatchObject({ code: 'auth/too-many-tries' })
    await net.clock.jump(DAY)
    await net.settle()
    const tomorrow = await net.drive(again.account.requestCode({ phone: first!.phone }))
    const wrong = tomorrow.confirm({ code: net.codes.at(-1)!.code, replaceKeys: true, pin: '0000' })
    await expect(net.drive(wrong)).rejects.toMatchObject({ code: 'auth/pin-wrong', triesLeft: 9 })
    for (const victim of victims) expect((await victim.account.state()).status).toBe('signed-in')
  })

  it('the server never has the PIN, and of two accounts with one PIN nothing the same', async () => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    const set: { salt: Uint8Array; key: Uint8Array }[] = []
    net.malicious.on('account.setRegistrationLock', ({ input, forward }) => {
      set.push(input.lock!)
      expect(Buffer.from(JSON.stringify(input)).includes(PIN)).toBe(false)
      return forward()
    })
    for (const each of [alice, bob]) await net.drive(each.account.setRegistrationLock(PIN))
    expect(set[0]!.salt).not.toEqual(set[1]!.salt)
    expect(set[0]!.key).not.toEqual(set[1]!.key)
  })
})

describe('the key of the profile', () => {
  it('is another one after a device was revoked: told to contacts and own devices, not to the revoked one', async () => {
    const { net, alice, bob, aliceId } = await friends()
    const [tablet, laptop] = [await net.client('Tablet', { linkedTo: alice }), await net.client('Laptop', { linkedTo: alice })]
    await net.settle()
    const told = net.malicious.sends.length
    await net.drive(alice.devices.revoke(2 as never))
    await net.settle()
    const audience = new Set(
      net.malicious.sends.slice(told).flatMap(({ frame }) => frame.recipients.flatMap((to) => (to.accountId === aliceId ? [to.deviceId] : []))),
    )
    expect([...audience]).toEqual([3])
    await net.drive(alice.account.setProfile({ name: 'Alice, after the theft' }))
    await net.settle()
    expect((await bob.contacts.get(aliceId))?.profile?.name).toBe('Alice, after the theft')
    expect((await laptop.account.state()).profile?.name).toBe('Alice, after the theft')
    expect((await tablet.account.state()).profile?.name).toBe('Alice')
  })

  it('is another one after a contact was blocked, who cannot read what the profile says then', async () => {
    const { net, alice, bob, aliceId, toBob } = await friends()
    const carol = await net.client('Carol')
    const toCarol = await net.drive(alice.conversations.direct({ phone: carol.phone }))
    await toCarol.send('Hello Carol')
    await net.settle()
    await (await carol.conversations.get(toCarol.id))!.accept()
    await net.settle()
    const keys: string[] = []
    net.malicious.on('account.setProfile', ({ input, forward }) => {
      keys.push(`version ${input.version}`)
      return forward()
    })
    await toBob.block()
    await net.settle()
    expect(keys).toEqual(['version 2'])
    await net.drive(alice.account.setProfile({ name: 'Alice, among friends' }))
    await net.settle()
    expect((await carol.contacts.get(aliceId))?.profile?.name).toBe('Alice, among friends')
    // Bob asks the server himself, and has the old key only.
    const there = await bob.restart()
    await net.settle()
    expect((await there.contacts.get(aliceId))?.profile?.name).toBe('Alice')
  })
})
