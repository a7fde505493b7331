import type { Conversation } from '@securechat/client'
import { createCrashPoints, type TestClient, type TestNetwork } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, friends, listenTo, messagesOf } from '../../src/attack-scene.js'
import { enableBackup, newPhone, restored, typedBack } from '../../src/backup-scene.js'

closeNetworks()

const texts = async (client: TestClient): Promise<string[]> => (await messagesOf(client)).filter(({ kind }) => kind === 'text').map(({ text }) => text)
const say = async (net: TestNetwork, chat: Conversation, lines: readonly string[]): Promise<void> => {
  for (const line of lines) await chat.send(line)
  await net.settle()
}

describe('backup and restore', () => {
  it('brings chats, contacts, settings and profile to a new phone, which goes on with them', async () => {
    const { net, alice, bob, toAlice } = await friends()
    const toBob = await net.drive(alice.conversations.direct({ accountId: await accountOf(bob) }))
    await say(net, toAlice, ['from Bob 1', 'from Bob 2'])
    await say(net, toBob, ['from Alice 1', 'from Alice 2'])
    await toBob.update({ pinned: true, muted: true })
    await toBob.markRead()
    await toAlice.send('unread')
    await net.settle()
    const number = await net.drive(alice.devices.safetyNumber(await accountOf(bob)))
    await alice.devices.setVerified(await accountOf(bob), number.digits)
    const words = await enableBackup(net, alice)
    const before = await texts(alice)
    const state = await alice.backups.state()
    expect(state).toMatchObject({ enabled: true })
    expect(state.bytes).toBeGreaterThan(1_000)

    const heard = listenTo(bob)
    const phone = await newPhone(net, alice, words)
    await toAlice.send('before she restores')
    await net.settle()
    expect(await texts(phone)).toEqual(['before she restores'])
    await toAlice.send('while she restores')
    await restored(net, phone, words)
    expect(await texts(phone)).toEqual([...before, 'before she restores', 'while she restores'])
    const [chat] = await phone.conversations.list()
    expect(chat).toMatchObject({ pinned: true, muted: true, unread: 3, peer: { verified: true, displayName: 'Bob', relation: 'accepted' } })
    expect((await phone.account.state()).profile?.name).toBe('Alice')
    expect((await phone.backups.state()).restore).toMatchObject({ status: 'done' })
    expect((await phone.backups.state()).enabled).toBe(true)
    expect(heard.recoveries).toEqual([await accountOf(alice)])

    const again = (await phone.conversations.get(chat!.id)) as Conversation
    await again.send('from the new phone')
    await net.settle()
    expect((await texts(bob)).at(-1)).toBe('from the new phone')
    await again.markRead()
    await net.settle()
    expect((await phone.conversations.list())[0]?.unread).toBe(0)
  })
})

describe('backups go on', () => {
  it('are incremental, and what was changed later is what comes back', async () => {
    const { net, alice, bob, toAlice } = await friends()
    const sizes: number[] = []
    net.malicious.on('backups.putSegment', ({ input, forward }) => {
      sizes.push(input.segment.length)
      return forward()
    })
    for (let i = 0; i < 40; i++) await toAlice.send(`${i} ${'x'.repeat(2_000)}`)
    await net.settle()
    const words = await enableBackup(net, alice)
    const whole = sizes.splice(0).reduce((sum, size) => sum + size, 0)
    const toBob = await net.drive(alice.conversations.direct({ accountId: await accountOf(bob) }))
    await toAlice.send('one more')
    const edited = await toBob.send('first wording')
    await net.settle()
    await toBob.edit(edited.id, 'second wording')
    await net.settle()
    await net.drive(alice.backups.run())
    const more = sizes.splice(0).reduce((sum, size) => sum + size, 0)
    expect(more).toBeLessThan(whole / 4)
    await net.drive(alice.backups.run())
    expect(sizes).toEqual([])
    const before = await texts(alice)
    const phone = await newPhone(net, alice, words)
    await restored(net, phone, words)
    expect(await texts(phone)).toEqual(before)
    expect((await messagesOf(phone)).find(({ id }) => id === edited.id)).toMatchObject({ text: 'second wording', edited: true })
  })

  it('a device that dies while it makes or restores a backup goes on where it was, with the same bytes', { timeout: 240_000 }, async () => {
    const { net, alice: first, toAlice } = await friends()
    for (let i = 0; i < 12; i++) await toAlice.send(`${i} ${'y'.repeat(20_000)}`)
    await net.settle()
    const puts = new Map<string, string>()
    const changed: string[] = []
    net.malicious.on('backups.putSegment', ({ input, forward }) => {
      const name = `${Buffer.from(input.backupId).toString('hex')}/${input.number}`
      const bytes = Buffer.from(input.segment).toString('base64')
      if (puts.has(name) && puts.get(name) !== bytes) changed.push(name)
      puts.set(name, bytes)
      return forward()
    })
    const { words, challenge } = await first.backups.createWords()
    await net.drive(first.backups.enable({ words, confirmed: typedBack(words, challenge) }))
    await net.drive(first.close())
    let armed = false
    const crashAt = (dieAt: number) => {
      armed = false
      return createCrashPoints({ dieAt, from: () => armed })
    }
    const deaths: boolean[] = []
    for (const dieAt of [25, 60, 90]) {
      const crash = crashAt(dieAt)
      const dying = await net.client('Alice', { disk: first.disk, phone: first.phone, crash, start: false })
      armed = true
      void dying.start().catch(() => {})
      void dying.backups.run().catch(() => {})
      await net.advance(3_000)
      deaths.push(crash.dead)
      dying.kill()
    }
    const alice = await net.client('Alice', { disk: first.disk, phone: first.phone })
    await net.drive(alice.backups.run())
    expect(changed).toEqual([])
    const before = await texts(alice)

    const phone = await newPhone(net, alice, words)
    await net.drive(phone.backups.restore({ words }))
    phone.kill()
    for (const dieAt of [25, 50, 75]) {
      const crash = crashAt(dieAt)
      const dying = await net.client('New phone', { disk: phone.disk, phone: alice.phone, crash, start: false })
      armed = true
      void dying.start().catch(() => {})
      await net.advance(3_000)
      deaths.push(crash.dead)
      dying.kill()
    }
    const again = await net.client('New phone', { disk: phone.disk, phone: alice.phone })
    await restored(net, again, words)
    expect(await texts(again)).toEqual(before)
    expect(deaths).toContain(true)
  })

  it('words that were not written down, other words and linked devices are refused', async () => {
    const { net, alice } = await friends()
    const { words, challenge } = await alice.backups.createWords()
    const wrong = { ...typedBack(words, challenge), [challenge[0]!]: 'zebra' }
    await expect(net.drive(alice.backups.enable({ words, confirmed: wrong }))).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await expect(net.drive(alice.backups.enable({ words, confirmed: typedBack(words, challenge.slice(1)) }))).rejects.toMatchObject({
      code: 'client/invalid-argument',
    })
    expect(await alice.backups.state()).toEqual({ enabled: false, bytes: 0 })
    await enableBackup(net, alice)
    await expect(net.drive(alice.backups.enable({ words, confirmed: typedBack(words, challenge) }))).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await expect(net.drive(alice.backups.restore({ words }))).rejects.toMatchObject({ code: 'crypto/authentication-failed' })
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await expect(net.drive(tablet.backups.enable({ words, confirmed: typedBack(words, challenge) }))).rejects.toMatchObject({ code: 'devices/not-primary' })
    await net.drive(alice.backups.disable())
    expect(await net.store.backupManifest(await accountOf(alice))).toBeUndefined()
    expect((await net.store.archiveUsage(await accountOf(alice))).segments).toBe(0)
    expect((await alice.backups.state()).enabled).toBe(false)
  })

  it('another device’s manifest is never overwritten unseen: this one goes on after it', async () => {
    const { net, alice } = await friends()
    const words = await enableBackup(net, alice)
    const accountId = await accountOf(alice)
    const stored = (await net.store.backupManifest(accountId))!
    // Something that these words do not open has taken its place.
    await net.store.putBackupManifest({ accountId, expected: stored.version, bytes: new Uint8Array(200).fill(3) })
    const toSelf = await alice.conversations.list()
    await (await alice.conversations.get(toSelf[0]!.id))!.update({ draft: 'changed' })
    await net.drive(alice.backups.run())
    const phone = await newPhone(net, alice, words)
    await restored(net, phone, words)
    expect((await phone.conversations.list())[0]?.draft).toBe('changed')
  })
})
