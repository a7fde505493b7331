import type { Conversation, ConversationSnapshot } from '@securechat/client'
import { memoryStorage } from '@securechat/storage'
import type { TestClient } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, type Friends, friends } from '../../src/attack-scene.js'

closeNetworks()

/** Alice has a tablet too, and all of it knows all of it. */
async function twoDevices(): Promise<Friends & { tablet: TestClient }> {
  const scene = await friends()
  const tablet = await scene.net.client('Tablet', { linkedTo: scene.alice })
  await scene.net.settle()
  return { ...scene, tablet }
}
const chat = async (client: TestClient, { id }: Conversation): Promise<ConversationSnapshot> => (await client.conversations.get(id))!.snapshot()
/** Damage of the store: what comes over these sessions has to be asked for again. */
async function forgetSessions({ disk }: TestClient, peer: string): Promise<void> {
  const storage = memoryStorage({ disk })
  const rows = await storage.list(`session/${peer}/`)
  expect(rows).toHaveLength(1)
  await storage.commit(rows.map(({ key }) => ({ delete: key })))
  await storage.close()
}
const unread = async (clients: readonly TestClient[], conversation: Conversation): Promise<number[]> =>
  Promise.all(clients.map(async (client) => (await chat(client, conversation)).unread))

describe('what the devices of an account share', () => {
  it('what was read on one is read on the other, message by message, in either direction', async () => {
    const { net, alice, tablet, toAlice } = await twoDevices()
    const both = [alice, tablet]
    for (const text of ['one', 'two', 'three']) await toAlice.send(text)
    await net.settle()
    expect(await unread(both, toAlice)).toEqual([4, 3])
    await (await tablet.conversations.get(toAlice.id))!.markRead()
    await net.settle()
    // The tablet came after the first of Bob’s messages.
    expect(await unread(both, toAlice)).toEqual([1, 0])
    await toAlice.send('four')
    await net.settle()
    expect(await unread(both, toAlice)).toEqual([2, 1])
    await (await alice.conversations.get(toAlice.id))!.markRead()
    await net.settle()
    expect(await unread(both, toAlice)).toEqual([0, 0])
  })

  it('what was read while a device was off is not unread when it comes back', async () => {
    const { net, alice, tablet, toAlice } = await twoDevices()
    await net.drive(tablet.close())
    await toAlice.send('while the tablet sleeps')
    await net.settle()
    await (await alice.conversations.get(toAlice.id))!.markRead()
    await net.settle()
    const awake = await tablet.restart()
    await net.settle()
    expect(await unread([alice, awake], toAlice)).toEqual([0, 0])
    expect((await chat(awake, toAlice)).lastMessage?.text).toBe('while the tablet sleeps')
  })

  it('a message that was read elsewhere before it could be read here is not unread when it heals', async () => {
    const { net, alice, bob, tablet, bobId, toAlice } = await twoDevices()
    await toAlice.send('so that Bob and the tablet have a session')
    await net.settle()
    await (await alice.conversations.get(toAlice.id))!.markRead()
    await net.settle()
    await net.drive(tablet.close())
    await forgetSessions(tablet, bobId)
    await toAlice.send('the tablet has lost its session')
    await net.settle()
    // Bob’s phone is off when the tablet asks for it again.
    await net.drive(bob.close())
    const awake = await tablet.restart()
    await net.settle()
    expect(await unread([alice, awake], toAlice)).toEqual([1, 1])
    await (await alice.conversations.get(toAlice.id))!.markRead()
    await net.settle()
    expect((await chat(awake, toAlice)).lastMessage?.kind).toBe('undecryptable')
    await bob.restart()
    await net.settle()
    expect((await chat(awake, toAlice)).lastMessage?.text).toBe('the tablet has lost its session')
    expect(await unread([alice, awake], toAlice)).toEqual([0, 0])
  })

  it('draft, muted, pinned, archived: each setting follows, and the later change wins on both', async () => {
    const { net, alice, tablet, toAlice } = await twoDevices()
    await toAlice.send('so that the tablet has the chat')
    await net.settle()
    const [here, there] = [(await alice.conversations.get(toAlice.id))!, (await tablet.conversations.get(toAlice.id))!]
    await here.update({ muted: true, draft: 'half a sentence' })
    await there.update({ pinned: true })
    await net.settle()
    for (const client of [alice, tablet])
      expect(await chat(client, toAlice)).toMatchObject({ muted: true, pinned: true, archived: false, draft: 'half a sentence' })
    // Both without a network, the same setting: the later one, whoever comes back first.
    await net.drive(Promise.all([alice.close(), tablet.close()]))
    net.faults.set({ refuse: 1 })
    const [alone, tabletAlone] = [await alice.restart(), await tablet.restart()]
    await net.advance(1_000)
    await (await alone.conversations.get(toAlice.id))!.update({ draft: 'earlier' })
    await net.advance(10_000)
    // What the phone has to say is stamped, and comes when the tablet’s has come.
    await net.drive(alone.close())
    await (await tabletAlone.conversations.get(toAlice.id))!.update({ draft: 'later' })
    await net.advance(10_000)
    net.faults.clear()
    await net.advance(120_000)
    const back = await alone.restart()
    await net.settle()
    for (const client of [back, tabletAlone]) expect((await chat(client, toAlice)).draft).toBe('later')
  })

  it('what was read on both at one time is subtracted once', async () => {
    const { net, alice, tablet, toAlice } = await twoDevices()
    for (const text of ['one', 'two']) await toAlice.send(text)
    await net.settle()
    await net.drive(Promise.all([alice.close(), tablet.close()]))
    const closed = { start: false, phone: alice.phone }
    const both = [await net.client('Alice', { ...closed, disk: alice.disk }), await net.client('Tablet', { ...closed, disk: tablet.disk })]
    for (const client of both) await (await client.conversations.get(toAlice.id))!.markRead()
    await toAlice.send('three')
    await net.settle()
    for (const client of both) await client.start()
    await net.settle()
    expect(await unread(both, toAlice)).toEqual([1, 1])
  })

  it('a contact that is blocked, accepted or verified here is so there', async () => {
    const { net, alice, bob, tablet, bobId, toAlice } = await twoDevices()
    const number = await net.drive(alice.devices.safetyNumber(bobId))
    await alice.devices.setVerified(bobId, number.digits)
    await net.settle()
    await net.drive(tablet.devices.safetyNumber(bobId))
    expect(await tablet.contacts.get(bobId)).toMatchObject({ verified: true, phone: bob.phone, relation: 'accepted' })
    await toAlice.send('so that the tablet has the chat')
    await net.settle()
    await (await tablet.conversations.get(toAlice.id))!.block()
    await net.settle()
    for (const client of [alice, tablet]) expect((await client.contacts.get(bobId))?.relation).toBe('blocked')
    await toAlice.send('nobody sees this')
    await net.settle()
    await (await alice.conversations.get(toAlice.id))!.unblock()
    await net.settle()
    for (const client of [alice, tablet]) {
      expect((await client.contacts.get(bobId))?.relation).toBe('accepted')
      expect((await chat(client, toAlice)).lastMessage?.text).toBe('so that the tablet has the chat')
    }
  })

  it('a contact who was verified with another key than the one that is known here is not verified here', async () => {
    const { net, alice, bob, tablet, bobId } = await twoDevices()
    const before = await net.drive(alice.devices.safetyNumber(bobId))
    await alice.devices.setVerified(bobId, before.digits)
    await net.settle()
    await net.drive(tablet.devices.safetyNumber(bobId))
    await net.drive(tablet.close())
    await net.drive(bob.close())
    const newPhone = await net.client('Bob', { phone: bob.phone, replaceKeys: true })
    await (await net.drive(newPhone.conversations.direct({ phone: alice.phone }))).send('My phone was lost')
    // Alice’s receipt waits until she has accepted the new key.
    await net.advance(10_000)
    const after = await net.drive(alice.devices.safetyNumber(bobId))
    expect(after.digits).not.toBe(before.digits)
    await alice.devices.acceptIdentity(bobId, after.digits)
    await alice.devices.setVerified(bobId, after.digits)
    await net.settle()
    expect(await alice.contacts.get(bobId)).toMatchObject({ verified: true, identityChanged: false })
    const awake = await tablet.restart()
    await net.advance(20_000)
    expect(await awake.contacts.get(bobId)).toMatchObject({ verified: false })
  })

  it('a stranger who is accepted on the tablet gets one answer, and both devices show the chat', async () => {
    const { net, alice, tablet, aliceId } = await twoDevices()
    const carol = await net.client('Carol')
    const toAlice = await net.drive(carol.conversations.direct({ accountId: aliceId }))
    await toAlice.send('Do you remember me?')
    await net.settle()
    expect((await alice.contacts.get(await accountOf(carol)))?.relation).toBe('request')
    await (await tablet.conversations.get(toAlice.id))!.accept()
    await net.settle()
    for (const client of [alice, tablet]) expect((await client.contacts.get(await accountOf(carol)))?.relation).toBe('accepted')
    expect((await toAlice.messages()).map(({ status }) => status)).toEqual(['delivered'])
  })

  it('a new name on the tablet is the account’s name, for the phone and for contacts', async () => {
    const { net, alice, bob, tablet, aliceId } = await twoDevices()
    await net.drive(tablet.account.setProfile({ name: 'Alice of Wonderland' }))
    await net.settle()
    expect((await alice.account.state()).profile?.name).toBe('Alice of Wonderland')
    await net.drive(alice.account.setProfile({ name: 'Alice', avatar: new Uint8Array(48 * 1024).fill(7) }))
    await net.settle()
    expect((await tablet.account.state()).profile).toMatchObject({ name: 'Alice', avatar: new Uint8Array(48 * 1024).fill(7) })
    await net.settle()
    expect((await bob.contacts.get(aliceId))?.profile?.name).toBe('Alice')
  })

  it('a new device is told everything that was so before it came', async () => {
    const { net, alice, bobId, toBob } = await friends()
    const number = await net.drive(alice.devices.safetyNumber(bobId))
    await alice.devices.setVerified(bobId, number.digits)
    await toBob.update({ pinned: true, draft: 'from before' })
    const blocked = await net.client('Mallory')
    await (await net.drive(blocked.conversations.direct({ accountId: await accountOf(alice) }))).send('Buy this')
    await net.settle()
    const [request] = (await alice.conversations.list()).filter(({ peer }) => peer.relation === 'request')
    await (await alice.conversations.get(request!.id))!.block()
    await net.settle()
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    await net.drive(tablet.devices.safetyNumber(bobId))
    expect(await tablet.contacts.get(bobId)).toMatchObject({ relation: 'accepted', verified: true })
    expect(await tablet.contacts.get(await accountOf(blocked))).toMatchObject({ relation: 'blocked' })
    expect(await chat(tablet, toBob)).toMatchObject({ pinned: true, draft: 'from before' })
    const laptop = await net.client('Laptop', { linkedTo: alice })
    await net.settle()
    expect(await chat(laptop, toBob)).toMatchObject({ pinned: true, draft: 'from before' })
  })

  it('an account with one device queues nothing for others', async () => {
    const { net, alice, toBob } = await friends()
    const before = alice.disk.clone().counter
    await toBob.update({ pinned: true })
    await net.settle()
    expect(alice.disk.clone().counter).toBe(before + 1)
  })
})
