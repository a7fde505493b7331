import {
  type DecryptResult,
  decodeDeviceKeys,
  decodeManifestPin,
  decodeSession,
  decryptMessage,
  localDevice,
  remoteDevice,
  requiredPreKeys,
  type SessionRecord,
  sendingSession,
} from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { type AccountId, decodeValue, isSecureChatError, type KnownEnvelope, type MailboxRow, parseEnvelope } from '@securechat/protocol'
import { decodeMessageBody } from '@securechat/protocol/content'
import { describe, expect, it } from 'vitest'
import { closeNetworks, FIRST_DEVICE, friends, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const provider = await sodiumProvider()

/** Whoever has a whole store, unsealed, and everything that ever went over the wire. */
function thief(stolen: ReadonlyMap<string, Uint8Array>, { self, peer }: { self: AccountId; peer: AccountId }) {
  const pinOf = (account: AccountId) => decodeManifestPin(provider, (decodeValue(stolen.get(`pin/${account}`)!) as { pin: Uint8Array }).pin)
  const local = localDevice(pinOf(self).manifest, FIRST_DEVICE, decodeDeviceKeys(stolen.get('keys/device')!))
  const remote = remoteDevice(pinOf(peer).manifest, FIRST_DEVICE)
  let record: SessionRecord | null = decodeSession([...stolen].find(([key]) => key.startsWith(`session/${peer}/`))![1])
  const secrets = new Map(
    [...stolen].filter(([key]) => key.startsWith('prekey/')).map(([key, row]) => [Number(key.slice(7)), (decodeValue(row) as { private: Uint8Array }).private]),
  )
  const withChains = (change: (next: number) => number): SessionRecord => ({
    ...record!,
    sessions: record!.sessions.map((session) => ({
      ...session,
      ratchet: { ...session.ratchet, receive: session.ratchet.receive.map((chain) => ({ ...chain, next: change(chain.next) })) },
    })),
  })
  const attempt = (from: SessionRecord | null, { envelope }: MailboxRow): DecryptResult | null => {
    const needed = requiredPreKeys(envelope)
    const [signed, kem] = needed ? [secrets.get(needed.signedPreKeyId), secrets.get(needed.kemId)] : []
    try {
      return decryptMessage({ provider, now: 0 }, { record: from, local, remote, envelope, preKeys: { ...(signed && { signed }), ...(kem && { kem }) } })
    } catch (error) {
      if (!isSecureChatError(error)) throw error
      return null
    }
  }
  const textOf = ({ plaintext }: DecryptResult): string => {
    const { content } = decodeMessageBody(plaintext.common)
    return content.type === 'text' ? String(content.text) : ''
  }
  return {
    /** With the sessions as they are, with their chains set back to earlier counters, and as if there were no session. */
    reads(row: MailboxRow): boolean {
      const starts = [record, ...Array.from({ length: 12 }, (_, back) => withChains((next) => Math.max(0, next - back))), null]
      return starts.some((from) => attempt(from, row) !== null)
    },
    /** Follows the conversation as the device would; null where that is not possible. */
    follow(row: MailboxRow): string | null {
      const result = attempt(record, row)
      if (!result) return null
      record = result.record
      return textOf(result)
    },
  }
}
const rowsOf = (rows: readonly { client: string; row: MailboxRow }[], client: string, from = 0): MailboxRow[] =>
  rows.slice(from).flatMap((entry) => (entry.client === client ? [entry.row] : []))

describe('attack 30: a stolen store and all ciphertexts', () => {
  it('attack 30: what was read before the theft cannot be read with what was stolen', async () => {
    const { net, bob, aliceId, bobId, toBob, toAlice } = await friends()
    for (let i = 0; i < 6; i++) {
      await toBob.send(`before ${i}`)
      if (i % 2 === 1) await toAlice.send(`answer ${i}`)
      await net.settle()
    }
    const stolen = await stateOf(bob)
    // The texts themselves are in the store, as long as their owner keeps them; the keys of the messages are not.
    const attacker = thief(stolen, { self: bobId, peer: aliceId })
    const rows = rowsOf(net.malicious.rows, 'Bob')
    expect(rows.length).toBeGreaterThan(8)
    for (const [i, row] of rows.entries()) expect(attacker.reads(row), `row ${i}`).toBe(false)
    // The attack is not a blunt one: the very next message is its prey.
    const from = net.malicious.rows.length
    await toBob.send('right after the theft')
    await net.settle()
    const [next] = rowsOf(net.malicious.rows, 'Bob', from)
    expect(attacker.follow(next!)).toBe('right after the theft')
  })

  it('attack 30: after one answer each way the stolen state reads nothing more', async () => {
    const { net, alice, bob, aliceId, bobId, toBob, toAlice } = await friends()
    await toBob.send('the last before the theft')
    await net.settle()
    const attacker = thief(await stateOf(bob), { self: bobId, peer: aliceId })
    let from = net.malicious.rows.length
    await toBob.send('still in reach')
    await net.settle()
    expect(rowsOf(net.malicious.rows, 'Bob', from).map((row) => attacker.follow(row))).toContain('still in reach')
    // One turn of the keys each way.
    await toAlice.send('an answer')
    await net.settle()
    from = net.malicious.rows.length
    await toBob.send('out of reach')
    await net.settle()
    await toAlice.send('as well')
    await net.settle()
    await toBob.send('for good')
    await net.settle()
    const later = rowsOf(net.malicious.rows, 'Bob', from)
    expect(later.length).toBeGreaterThan(1)
    for (const row of later) {
      expect(attacker.follow(row)).toBeNull()
      expect(attacker.reads(row)).toBe(false)
    }
    // Nor with the other side's envelopes, which were written with keys that came after the theft.
    for (const row of rowsOf(net.malicious.rows, 'Alice', from)) expect(thief(await stateOf(alice), { self: aliceId, peer: bobId }).reads(row)).toBe(false)
  })

  it('attack 30: a post-quantum epoch that began after the theft is mixed into what follows', async () => {
    const { net, bob, aliceId, toBob, toAlice } = await friends()
    const epochOf = async (): Promise<number> => {
      const record = decodeSession([...(await stateOf(bob))].find(([key]) => key.startsWith(`session/${aliceId}/`))![1])
      return sendingSession(record)!.ratchet.pq.epoch
    }
    expect(await epochOf()).toBe(0)
    for (let i = 0; i < 60 && (await epochOf()) === 0; i++) {
      await toBob.send(`to Bob ${i}`)
      await net.advance(500)
      await toAlice.send(`to Alice ${i}`)
      await net.advance(500)
    }
    expect(await epochOf()).toBe(1)
    // Marked in the clear, and refused without its secret: the header alone does not make a chain.
    const marks = rowsOf(net.malicious.rows, 'Bob').map(({ envelope }) => (parseEnvelope(envelope) as KnownEnvelope).ratchet.pqEpoch)
    expect(marks).toContain(1)
    expect(marks.slice(0, 7)).toEqual(Array.from({ length: 7 }, () => undefined))
  })
})
