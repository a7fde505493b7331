import type { Logger } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { closeNetworks, messagesOf, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const DAY = 86_400_000
const REFUSALS = ['prekeys/invalid-bundle', 'protocol/malformed', 'protocol/unsupported-version']
const SIGNATURE = 64
type Part = 'signed' | 'lastResort' | 'oneTime'

/** Changed in some way at some place; from its first to its last byte, every field of it among them. */
function spoilt(bytes: Uint8Array): [string, Uint8Array][] {
  const signed = bytes.length - SIGNATURE
  const flips = Array.from({ length: 48 }, (_, i) => Math.floor((i * bytes.length) / 48)).map((at): [string, Uint8Array] => {
    const changed = bytes.slice()
    changed[at] = changed[at]! ^ (1 << (at % 8))
    return [`bit of byte ${at}`, changed]
  })
  return [
    ...flips,
    ['no signature', bytes.slice(0, signed)],
    ['a signature of zeros', Uint8Array.from(bytes, (byte, at) => (at < signed ? byte : 0))],
    ['a byte more', Uint8Array.from([...bytes, 0])],
    ['a byte less', bytes.slice(0, -1)],
  ]
}

describe('attack 12: a bundle that the device did not sign', () => {
  it.each<Part>(['signed', 'lastResort', 'oneTime'])('attack 12: every change of the %s prekey is refused, and nothing is encrypted', async (part) => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    const eve = await net.malicious.peer('Eve')
    const bundle = await net.drive(eve.bundle(await net.drive(eve.device(chat.peerId))))
    const { signed, lastResort } = bundle
    const genuine = part === 'lastResort' ? { signed, lastResort } : { ...bundle }
    for (const [name, bytes] of spoilt(genuine[part as 'signed'])) {
      net.malicious.on('prekeys.fetch', () => ({ bundles: [{ deviceId: eve.deviceId, ...genuine, [part]: bytes }] }))
      const { id } = await chat.send(name)
      await net.advance(500)
      const row = (await messagesOf(alice)).find((message) => message.id === id)
      expect(row?.status, name).toBe('failed')
      expect(REFUSALS, name).toContain(row?.error?.code)
    }
    expect(net.malicious.sends).toEqual([])
    expect([...(await stateOf(alice)).keys()].filter((key) => key.startsWith('session/'))).toEqual([])
    net.malicious.clear()
    await chat.send('at last')
    await net.settle()
    expect(await received(bob)).toEqual(['at last'])
  })

  it('attack 12: an expired one serves, and is flagged', async () => {
    const events: string[] = []
    const note = (event: string): void => void events.push(event)
    const logger: Logger = { debug: note, info: note, warn: note, error: note }
    const net = await network({ logger })
    const [alice, bob, carol] = [await net.client('Alice'), await net.client('Bob'), await net.client('Carol')]
    await (await net.drive(alice.conversations.direct({ phone: bob.phone }))).send('in time')
    await net.settle()
    expect(events).not.toContain('client.prekeys-expired')
    await net.drive(bob.close())
    await net.clock.jump(31 * DAY)
    await net.advance(5_000)
    await (await net.drive(carol.conversations.direct({ phone: bob.phone }))).send('late')
    await net.settle()
    expect(events).toContain('client.prekeys-expired')
    const again = await bob.restart()
    await net.settle()
    expect((await received(again)).sort()).toEqual(['in time', 'late'])
  })
})
