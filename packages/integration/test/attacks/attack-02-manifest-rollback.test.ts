import { SecureChatError } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { closeNetworks, listenTo, network, sent, stateOf } from '../../src/attack-scene.js'

closeNetworks()

/** Alice has written to a peer whose second manifest she knows; from now on the server says that each of her lists is old. */
async function scene() {
  const net = await network()
  const peer = await net.malicious.peer('Peer')
  const first = peer.manifest
  const second = await net.drive(peer.publish())
  const alice = await net.client('Alice')
  const chat = await net.drive(alice.conversations.direct({ accountId: peer.accountId }))
  await chat.send('hello')
  await net.settle()
  const heard = listenTo(alice)
  const refuse = net.malicious.onSend(() => {
    throw new SecureChatError('devices/stale-manifest')
  })
  return { net, peer, alice, chat, heard, first, second, refuse }
}

describe('attack 02: a device list that was shown before', () => {
  it.each<[string, 'one' | 'none' | 'both']>([
    ['the version before the known one', 'one'],
    ['no version at all', 'none'],
    ['the older one behind the known one', 'both'],
  ])('attack 02: %s is a hard error, and nothing is sent or changed', async (_, shown) => {
    const { net, peer, alice, chat, heard, first, second, refuse } = await scene()
    const pin = (await stateOf(alice)).get(`pin/${peer.accountId}`)
    net.malicious.on('devices.manifest', () => ({ manifests: { one: [first.bytes], none: [], both: [second.bytes, first.bytes] }[shown], more: false }))
    const before = peer.rows.length
    const message = await chat.send('secret')
    await net.advance(10_000)
    expect(heard.alerts).toEqual(['devices/manifest-rollback'])
    expect((await sent(alice)).at(-1)).toEqual(['secret', 'failed'])
    expect(peer.rows).toHaveLength(before)
    expect((await stateOf(alice)).get(`pin/${peer.accountId}`)).toEqual(pin)

    net.malicious.clear()
    refuse()
    await chat.retry(message.id)
    await net.settle()
    expect((await sent(alice)).at(-1)).toEqual(['secret', 'sent'])
    expect(peer.rows).toHaveLength(before + 1)
  })

  it('attack 02: also after a restart of the client', async () => {
    const { net, peer, alice, chat, first } = await scene()
    // Of Alice's own list, which a start asks for, the server says the truth.
    net.malicious.on('devices.manifest', ({ input, forward }) => (input.accountId === peer.accountId ? { manifests: [first.bytes], more: false } : forward()))
    await net.drive(alice.close())
    const again = await net.client('Alice', { disk: alice.disk, phone: alice.phone })
    const heard = listenTo(again)
    await (await again.conversations.get(chat.id))!.send('secret')
    await net.advance(10_000)
    expect(heard.alerts).toEqual(['devices/manifest-rollback'])
    expect((await sent(again)).at(-1)).toEqual(['secret', 'failed'])
  })
})
