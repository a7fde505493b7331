import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, expectUnchanged, listenTo, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const PLACES = 120

describe('attack 18: a first message that fails', () => {
  it.each([true, false])(
    'attack 18: leaves the store as it was, wherever it was changed, and the true one is read after it (one-time key: %s)',
    async (oneTime) => {
      const net = await network()
      const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
      await net.drive(bob.devices.safetyNumber(await accountOf(alice)))
      if (!oneTime)
        net.malicious.on('prekeys.fetch', async ({ forward }) => ({
          bundles: (await forward()).bundles.map(({ deviceId, signed, lastResort }) => ({ deviceId, signed, lastResort })),
        }))
      const hold = net.malicious.onDeliver(() => [])
      await (await net.drive(alice.conversations.direct({ phone: bob.phone }))).send('first')
      await net.advance(2_000)
      hold()
      const { row } = net.malicious.rows.at(-1)!
      const { envelope } = row
      const heard = listenTo(bob)
      const before = await stateOf(bob)
      const forged: [string, Uint8Array][] = []
      for (let i = 0; i < PLACES; i++) {
        // Past version, suite, kind and flags, which say "newer version" (attack 16).
        const at = 4 + Math.floor((i * (envelope.length - 4)) / PLACES)
        forged.push([`byte ${at}`, Uint8Array.from(envelope, (byte, j) => (j === at ? byte ^ (1 << (i % 8)) : byte))])
        if (i % 8 === 0) forged.push([`length ${at}`, envelope.slice(0, at)])
      }
      forged.push(['a byte more', Uint8Array.from([...envelope, 0])])
      for (const [name, bytes] of forged) {
        net.malicious.deliver('Bob', [{ ...row, envelope: bytes }])
        await net.advance(250)
        await expectUnchanged(bob, before).catch((error: unknown) => {
          throw new Error(name, { cause: error })
        })
      }
      expect(heard).toMatchObject({ messages: [], alerts: [] })
      // A header that names a newer device list than there is: asked for, and told when it does not exist.
      expect(new Set(heard.failures)).toEqual(new Set(['devices/stale-manifest']))
      net.malicious.deliver('Bob', [row])
      await net.settle()
      expect(await received(bob)).toEqual(['first'])
    },
  )
})
