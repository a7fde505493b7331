import { encodeValue } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, messagesOf, network } from '../../src/attack-scene.js'

closeNetworks()

describe('attack 41: what only an own device may say, said by somebody else', () => {
  it('attack 41: a contact that says "this went to Carol" is not believed: no message of one’s own appears', async () => {
    const net = await network()
    const alice = await net.client('Alice')
    const carol = await net.client('Carol')
    const mallory = await net.malicious.peer('Mallory')
    const [aliceId, carolId] = [await accountOf(alice), await accountOf(carol)]
    const to = await net.drive(mallory.device(aliceId))
    const bundle = await net.drive(mallory.bundle(to))
    await net.drive(mallory.send([{ to, envelope: await mallory.encrypt(to, { type: 'text', text: 'hello' }, { bundle }) }]))
    await net.settle()
    const before = await messagesOf(alice)
    expect(before.map(({ text, mine }) => [text, mine])).toEqual([['hello', false]])
    // The part of a copy that says whom a message of one's own went to, in a message of Mallory's, in Carol's conversation with Alice and in her own.
    // Both sides of a conversation derive its id.
    const { id: conversation } = await net.drive(carol.conversations.direct({ accountId: aliceId }))
    const body = mallory.body(carolId, { type: 'text', text: 'I never wrote this' }, { conversation })
    for (const common of [body, mallory.body(aliceId, { type: 'text', text: 'I never wrote this' })]) {
      const envelope = await mallory.encrypt(to, common, { perSession: encodeValue({ to: carolId }) })
      await net.drive(mallory.send([{ to, envelope }]))
      await net.settle()
    }
    const after = await messagesOf(alice)
    expect(after.filter(({ mine }) => mine)).toEqual([])
    expect((await alice.conversations.list()).map(({ peer }) => peer.accountId)).toEqual([mallory.accountId])
  })

  it('attack 41: a contact that says what only an own device may say changes nothing: block lifted, name, read, everything asked for', async () => {
    const net = await network()
    const alice = await net.client('Alice')
    const tablet = await net.client('Tablet', { linkedTo: alice })
    const mallory = await net.malicious.peer('Mallory')
    const aliceId = await accountOf(alice)
    const to = await net.drive(mallory.device(aliceId))
    const bundle = await net.drive(mallory.bundle(to))
    await net.drive(mallory.send([{ to, envelope: await mallory.encrypt(to, { type: 'text', text: 'hello' }, { bundle }) }]))
    await net.settle()
    const state = (): Promise<unknown> =>
      Promise.all(
        [alice, tablet].map(async ({ account, contacts, conversations }) => [await account.state(), await contacts.list(), await conversations.list()]),
      )
    const before = await state()
    const items = [
      { kind: 'contact', key: `${mallory.accountId}/relation`, value: { relation: 'accepted' }, at: net.clock.now() + 1_000, by: 1 },
      { kind: 'profile', key: 'own', value: { key: new Uint8Array(32), version: 9, name: 'Fool' }, at: net.clock.now() + 1_000, by: 1 },
    ]
    const commits = alice.disk.clone().counter + tablet.disk.clone().counter
    for (const content of [
      { type: 'device-sync' as const, items },
      { type: 'device-sync' as const, items: [], want: true },
    ]) {
      const plain = mallory.body(aliceId, content)
      // As a message between the two, and as one that pretends to be a copy within Alice’s account.
      for (const perSession of [new Uint8Array(0), encodeValue({ to: aliceId })])
        await net.drive(mallory.send([{ to, envelope: await mallory.encrypt(to, plain, { perSession }) }]))
      await net.settle()
    }
    expect(await state()).toEqual(before)
    // They did come, and were read.
    expect(alice.disk.clone().counter + tablet.disk.clone().counter).toBeGreaterThan(commits)
  })

  it('attack 41: the server passes a contact’s row on as one of an own device: it does not open', async () => {
    const net = await network()
    const alice = await net.client('Alice')
    const tablet = await net.client('Tablet', { linkedTo: alice })
    const bob = await net.client('Bob')
    const aliceId = await accountOf(alice)
    net.malicious.onDeliver(({ client, row }) =>
      client === 'Bob' ? [row] : [{ ...row, sender: { accountId: aliceId, deviceId: (client === 'Alice' ? 2 : 1) as never } }],
    )
    await (await net.drive(bob.conversations.direct({ phone: alice.phone }))).send('from Bob')
    await net.settle()
    for (const device of [alice, tablet]) expect((await messagesOf(device)).filter(({ mine, text }) => mine || text !== '')).toEqual([])
  })
})
