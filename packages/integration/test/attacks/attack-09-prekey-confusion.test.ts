import { encodeEnvelopeHeader, encodeHandshakeHeader, joinEnvelope, KEM_KEY_TYPES, type KnownEnvelope, parseEnvelope } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { closeNetworks, expectUnchanged, messagesOf, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const KINDS = ['signed', 'lastResort', 'oneTime', 'absent'] as const
type Kind = (typeof KINDS)[number]
const ARRANGEMENTS = KINDS.slice(0, 3)
  .flatMap((signed) => KINDS.slice(0, 3).flatMap((lastResort) => KINDS.map((oneTime) => ({ signed, lastResort, oneTime }) as Record<string, Kind>)))
  // The one-time pair is used where it is there, and the last-resort key is not looked at then.
  .filter(({ signed, lastResort, oneTime }) => !(signed === 'signed' && (oneTime === 'oneTime' || (oneTime === 'absent' && lastResort === 'lastResort'))))

describe('attack 09: prekeys of one kind in the place of another', () => {
  it(`attack 09: ${ARRANGEMENTS.length} arrangements of a bundle are refused, and nothing is encrypted`, async () => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    let keys: Record<string, Uint8Array> | undefined
    let arrangement = ARRANGEMENTS[0]!
    net.malicious.on('prekeys.fetch', async ({ forward }) => {
      const { bundles } = await forward()
      const [{ deviceId, signed, lastResort, oneTime }] = bundles as [(typeof bundles)[number]]
      keys ??= { signed, lastResort, oneTime: oneTime! }
      const named = Object.entries(arrangement).flatMap(([place, kind]) => (kind === 'absent' ? [] : [[place, keys![kind]!]]))
      return { bundles: [{ deviceId, ...(Object.fromEntries(named) as { signed: Uint8Array; lastResort: Uint8Array }) }] }
    })
    for (arrangement of ARRANGEMENTS) {
      const { id } = await chat.send(JSON.stringify(arrangement))
      await net.advance(1_000)
      const row = (await messagesOf(alice)).find((message) => message.id === id)
      expect(row, row?.text).toMatchObject({ status: 'failed', error: { code: 'prekeys/invalid-bundle' } })
    }
    expect(net.malicious.sends).toEqual([])
    expect([...(await stateOf(alice)).keys()].filter((key) => key.startsWith('session/'))).toEqual([])
    net.malicious.clear()
    await chat.send('at last')
    await net.settle()
    expect(await received(bob)).toEqual(['at last'])
  })

  it('attack 09: a first message that names its keys as others changes nothing, and is read as it was sent', async () => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    // Bob knows Alice's list already, so that only the message could change anything.
    await net.drive(bob.devices.safetyNumber((await alice.account.state()).accountId!))
    const end = net.malicious.onDeliver(() => [])
    await chat.send('genuine')
    await net.advance(1_000)
    end()
    const { row } = net.malicious.rows.at(-1)!
    const envelope = parseEnvelope(row.envelope) as KnownEnvelope
    const handshake = envelope.handshake!
    expect(handshake.kemKeyType).toBe(KEM_KEY_TYPES.oneTime)
    const { signedPreKeyId: spk, kemKeyId: kem } = handshake
    const lastResort = spk + 1
    const changed = [
      { kemKeyType: KEM_KEY_TYPES.lastResort },
      { kemKeyType: KEM_KEY_TYPES.lastResort, kemKeyId: lastResort },
      { kemKeyId: lastResort },
      { kemKeyId: spk },
      { signedPreKeyId: kem },
      { signedPreKeyId: lastResort },
      { signedPreKeyId: kem, kemKeyId: spk },
      { kemKeyId: kem + 1 },
    ]
    const before = await stateOf(bob)
    for (const change of changed) {
      const header = encodeEnvelopeHeader(envelope.ratchet, encodeHandshakeHeader({ ...handshake, ...change }))
      net.malicious.deliver('Bob', [{ ...row, envelope: joinEnvelope(header, envelope.keyCommitment, envelope.ciphertext) }])
      await net.advance(500)
      await expectUnchanged(bob, before)
    }
    net.malicious.deliver('Bob', [row])
    await net.advance(500)
    expect(await received(bob)).toEqual(['genuine'])
  })
})
