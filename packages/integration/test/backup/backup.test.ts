import type { Conversation } from '@securechat/client'
import type { TestClient, TestNetwork } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, friends, listenTo, messagesOf } from '../../src/attack-scene.js'
import { enableBackup, newPhone, restored } from '../../src/backup-scene.js'

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
    await toAlice.send('while she restores')
    await restored(net, phone, words)
    expect(await texts(phone)).toEqual([...before, 'while she restores'])
    const [chat] = await phone.conversations.list()
    expect(chat).toMatchObject({ pinned: true, muted: true, unread: 2, peer: { verified: true, displayName: 'Bob', relation: 'accepted' } })
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
