import { type CryptoProvider, decodeSession, encryptMessage, localDevice, type SessionRecord } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { encodeEnvelopeHeader, joinEnvelope, type KnownEnvelope, LABELS, LIMITS, type MailboxRow, parseEnvelope, T } from '@securechat/protocol'
import type { TestClient } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, friends, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const sodium = await sodiumProvider()
const CHAIN = Buffer.from(T(LABELS.chain))

/** Counts steps of chains and agreements; a walk without an end is ended, so that a broken build fails instead of hanging. */
function counting(budget: number) {
  const count = { steps: 0, agreements: 0 }
  const provider: CryptoProvider = {
    ...sodium,
    blake2b(length, message, key) {
      if (key && CHAIN.equals(message) && ++count.steps > budget) throw new Error('too many steps')
      return sodium.blake2b(length, message, key)
    },
    x25519(secretKey, publicKey) {
      count.agreements++
      return sodium.x25519(secretKey, publicKey)
    },
  }
  return { count, provider }
}

const sessionsOf = async (client: TestClient): Promise<[string, Uint8Array][]> => [...(await stateOf(client))].filter(([key]) => key.startsWith('session/'))
const withHeader = (row: MailboxRow, change: object): MailboxRow => {
  const { ratchet, header, keyCommitment, ciphertext, handshakeBytes } = parseEnvelope(row.envelope) as KnownEnvelope
  expect(header.length).toBeGreaterThan(0)
  return {
    ...row,
    envelope: joinEnvelope(encodeEnvelopeHeader({ ...ratchet, ...change }, handshakeBytes.length > 0 ? handshakeBytes : null), keyCommitment, ciphertext),
  }
}

describe('attack 20: headers that promise many messages', () => {
  it('attack 20: 5,000 forged headers cost a bounded number of steps and leave nothing behind', async () => {
    const { count, provider } = counting(100_000)
    const { net, alice, bob, toBob, toAlice } = await friends({ crypto: provider })
    // Bob has written last, so that a new ratchet key is possible, which is where most could be asked of him.
    await toAlice.send('and you?')
    await net.settle()
    const hold = net.malicious.onDeliver(({ client, row }) => (client === 'Bob' ? [] : [row]))
    await toBob.send('fine')
    await net.advance(3_000)
    hold()
    const { row } = net.malicious.rows.filter(({ client }) => client === 'Bob').at(-1)!
    const [[key, before]] = (await sessionsOf(bob)) as [[string, Uint8Array]]
    const { counter } = (parseEnvelope(row.envelope) as KnownEnvelope).ratchet
    const [most, half] = [0xffff_ffff, 0x8000_0000]
    const FORGED = 5_000
    const WALKS = 20
    const changes = Array.from({ length: FORGED }, (_, i) => {
      const ratchetKey = sodium.x25519PublicKey(sodium.blake2b(32, Buffer.from(`${i}`)))
      if (i < WALKS) return { ratchetKey, counter: LIMITS.ratchetJump, previousChainLength: LIMITS.ratchetJump / 2 }
      const kinds = [
        { counter: most },
        { counter: counter + LIMITS.ratchetJump + 1 },
        { previousChainLength: half },
        { ratchetKey, previousChainLength: half },
        { ratchetKey, counter: most },
        { ratchetKey, counter: half, previousChainLength: most },
        { ratchetKey, counter: LIMITS.ratchetJump + 1 },
      ]
      return kinds[i % kinds.length]!
    })
    count.steps = 0
    count.agreements = 0
    for (let at = 0; at < FORGED; at += 250) {
      net.malicious.deliver(
        'Bob',
        changes.slice(at, at + 250).map((change) => withHeader(row, change)),
      )
      await net.advance(500)
    }
    // A walk is at most one jump and its own step; every other header is refused before it costs more than one step and two agreements.
    expect(count.steps).toBeGreaterThan(WALKS)
    expect(count.steps).toBeLessThanOrEqual(WALKS * (LIMITS.ratchetJump + 1) + FORGED)
    expect(count.agreements).toBeLessThanOrEqual(FORGED)
    const [[keyAfter, after]] = (await sessionsOf(bob)) as [[string, Uint8Array]]
    expect([keyAfter, Buffer.from(after).toString('hex')]).toEqual([key, Buffer.from(before).toString('hex')])
    // One line tells of all of them.
    expect((await received(bob)).filter((text) => text === '')).toHaveLength(1)
    net.malicious.deliver('Bob', [row])
    await net.settle()
    expect((await received(bob)).at(-1)).toBe('fine')
    expect((await sessionsOf(alice)).length).toBe(1)
  })

  it('attack 20: a peer with true keys that leaves out messages fills at most 2,000 keys, and jumps at most 1,000', async () => {
    const { count, provider } = counting(100_000)
    const net = await network({ crypto: provider })
    const bob = await net.client('Bob')
    const mallory = await net.malicious.peer('Mallory')
    const toBob = await net.drive(mallory.device(await accountOf(bob)))
    const bundle = await net.drive(mallory.bundle(toBob))
    const local = localDevice(mallory.manifest, mallory.deviceId, mallory.deviceKeys)
    let record: SessionRecord | null = null
    const write = (text: string): Uint8Array => {
      const common = mallory.body(toBob.accountId, { type: 'text', text })
      // Its own work is not what is counted.
      const result = encryptMessage(
        { ...mallory.deps(), provider: sodium },
        { record, local, remote: toBob, plaintext: { common, perSession: new Uint8Array(0) }, bundle },
      )
      record = result.record
      return result.envelope
    }
    const jump = (left: number): void => {
      for (let i = 0; i < left; i++) write('left out')
    }
    const send = async (envelope: Uint8Array): Promise<void> => {
      await net.drive(mallory.send([{ to: toBob, envelope }]))
      await net.advance(1_000)
    }
    await send(write('0'))
    count.steps = 0
    for (let n = 1; n <= 5; n++) {
      jump(LIMITS.ratchetJump)
      await send(write(`${n}`))
    }
    expect(count.steps).toBe(5 * (LIMITS.ratchetJump + 1))
    const [[, stored]] = (await sessionsOf(bob)) as [[string, Uint8Array]]
    const kept = decodeSession(stored).sessions.flatMap(({ ratchet }) => ratchet.receive.flatMap(({ skipped }) => skipped))
    expect(kept).toHaveLength(LIMITS.skippedKeys)
    expect(stored.length).toBeLessThan(LIMITS.skippedKeys * 64)

    // Further than one jump the session is lost to the peer itself.
    jump(LIMITS.ratchetJump + 1)
    await send(write('too far'))
    expect(count.steps).toBe(5 * (LIMITS.ratchetJump + 1))
    const [[, after]] = (await sessionsOf(bob)) as [[string, Uint8Array]]
    expect(Buffer.from(after).equals(Buffer.from(stored))).toBe(true)
    expect(await received(bob)).toEqual(['0', '1', '2', '3', '4', '5'])
  })
})
