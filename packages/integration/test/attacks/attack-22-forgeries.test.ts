import {
  acceptDevice,
  createManifest,
  decodeSession,
  decryptMessage,
  encodeSession,
  encryptMessage,
  generateAccountKeys,
  generateDeviceKeys,
  generatePreKeys,
  localDevice,
  remoteDevice,
  requiredPreKeys,
  type SessionRecord,
  verifyManifest,
} from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { type AccountId, type DeviceId, equalPublicBytes, idFromBytes, isSecureChatError } from '@securechat/protocol'
import { seededRandom } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, expectUnchanged, listenTo, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const provider = await sodiumProvider()
const NOW = 1_800_000_000_000
const NOTHING = new Uint8Array(0)

function person(random: (length: number) => Uint8Array) {
  const deps = { provider, random, now: NOW }
  const [accountId, deviceId] = [idFromBytes<AccountId>(random(16)), 1 as DeviceId]
  const [accountKey, deviceKeys] = [generateAccountKeys(deps), generateDeviceKeys(deps)]
  const accept = acceptDevice(deps, { accountId, accountKey: accountKey.publicKey, deviceId, deviceKeys })
  const { signing, identity } = deviceKeys
  const device = { deviceId, signingKey: signing.publicKey, identityKey: identity.publicKey, addedVersion: 1, flags: 1, accept }
  const times = { version: 1, prevHash: NOTHING, notBefore: NOW, notAfter: NOW + 86_400_000 }
  const manifest = verifyManifest(provider, createManifest(deps, { accountId, accountKey, ...times, devices: [device] }).bytes)
  const preKeys = generatePreKeys(deps, { accountId, deviceId, deviceKeys, firstKeyId: 1, count: 1 })
  return { deps, preKeys, local: localDevice(manifest, deviceId, deviceKeys), remote: remoteDevice(manifest, deviceId) }
}

/** Makes one forgery after the other out of genuine envelopes. */
function forger(random: () => number) {
  const below = (n: number): number => Math.floor(random() * n)
  const change = (base: Uint8Array): Uint8Array => {
    const kind = below(10)
    if (kind === 0) return base.slice(0, below(base.length))
    if (kind === 1) return Uint8Array.from([...base, below(256)])
    const forged = base.slice()
    // Mostly one bit anywhere; sometimes a whole field of noise, such as a ratchet key or a counter.
    const [at, length] = kind < 7 ? [below(base.length), 1] : [4 + below(60), 1 + below(40)]
    for (let i = at; i < Math.min(at + length, base.length); i++) forged[i] = kind < 7 ? forged[i]! ^ (1 << below(8)) : below(256)
    return forged
  }
  return (genuine: Uint8Array): Uint8Array => {
    // Noise may be what was there before; then it is no forgery.
    for (;;) {
      const forged = change(genuine)
      if (!equalPublicBytes(forged, genuine)) return forged
    }
  }
}

describe('attack 22: forgeries between genuine messages', () => {
  it('attack 22: 100,000 of them leave the session as it is, byte for byte, and the genuine ones are read', { timeout: 240_000 }, () => {
    const FORGERIES = 100_000
    const ROUNDS = 100
    const { bytes, number } = seededRandom(22)
    const [alice, bob] = [person(bytes), person(bytes)]
    const secrets = new Map([bob.preKeys.signed, bob.preKeys.lastResort, ...bob.preKeys.oneTime].map((key) => [key.keyId, key.private]))
    const bundle = { signed: bob.preKeys.signed.public, lastResort: bob.preKeys.lastResort.public, oneTime: bob.preKeys.oneTime[0]!.public }
    const records: { alice: SessionRecord | null; bob: SessionRecord | null } = { alice: null, bob: null }
    const text = (n: number): Uint8Array => new TextEncoder().encode(`message ${n}`)
    const write = (from: 'alice' | 'bob', n: number): Uint8Array => {
      const [me, other] = from === 'alice' ? [alice, bob] : [bob, alice]
      const result = encryptMessage(me.deps, {
        record: records[from],
        local: me.local,
        remote: other.remote,
        plaintext: { common: text(n), perSession: NOTHING },
        bundle,
      })
      records[from] = result.record
      return result.envelope
    }
    const read = (to: 'alice' | 'bob', envelope: Uint8Array) => {
      const [me, other] = to === 'alice' ? [alice, bob] : [bob, alice]
      const needed = to === 'bob' ? requiredPreKeys(envelope) : null
      const [signed, kem] = needed ? [secrets.get(needed.signedPreKeyId), secrets.get(needed.kemId)] : []
      const preKeys = { ...(signed && { signed }), ...(kem && { kem }) }
      return decryptMessage(me.deps, { record: records[to], local: me.local, remote: other.remote, envelope, preKeys })
    }
    const forge = forger(number)
    const codes = new Map<string, number>()
    let forged = 0
    for (let round = 0; round < ROUNDS; round++) {
      const to = round % 3 === 2 ? 'alice' : 'bob'
      const envelope = write(to === 'bob' ? 'alice' : 'bob', round)
      const encode = (): string => (records[to] ? Buffer.from(encodeSession(records[to])).toString('hex') : '')
      const keys = (): string => [...secrets.values()].map((key) => Buffer.from(key).toString('hex')).join()
      const before = [encode(), keys()]
      for (let i = 0; i < FORGERIES / ROUNDS; i++) {
        try {
          read(to, forge(envelope))
        } catch (error) {
          if (!isSecureChatError(error)) throw error
          codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
          forged++
        }
      }
      expect([encode(), keys()]).toEqual(before)
      const result = read(to, envelope)
      expect(Buffer.from(result.plaintext.common).equals(Buffer.from(text(round)))).toBe(true)
      if (result.consumed.oneTimePreKeyId !== undefined) secrets.delete(result.consumed.oneTimePreKeyId)
      records[to] = decodeSession(encodeSession(result.record))
    }
    // Every single one was refused, in every way that there is.
    expect(forged).toBe(FORGERIES)
    for (const code of ['crypto/authentication-failed', 'crypto/no-session', 'crypto/limit-exceeded', 'crypto/duplicate-message', 'protocol/malformed'])
      expect(codes.get(code) ?? 0, code).toBeGreaterThan(0)
  })

  it('attack 22: 2,000 of them through a running client leave its store as it is, byte for byte', async () => {
    const net = await network()
    const bob = await net.client('Bob')
    const mallory = await net.malicious.peer('Mallory')
    const toBob = await net.drive(mallory.device(await accountOf(bob)))
    const forge = forger(seededRandom(23).number)
    const texts: string[] = []
    const heard = listenTo(bob)
    for (let round = 0; round < 10; round++) {
      const envelope = await net.drive(mallory.encrypt(toBob, { type: 'text', text: `message ${round}` }))
      const before = await stateOf(bob)
      const sender = { accountId: mallory.accountId, deviceId: mallory.deviceId }
      const forgeries = Array.from({ length: 200 }, () => forge(envelope)).filter((bytes) => bytes.length > 0 && bytes[0] === 1)
      net.malicious.deliver(
        'Bob',
        // Whoever claims a newer suite, kind or flag is kept for an update (attack 16).
        forgeries.filter((bytes) => [1, 2, 3].every((at) => bytes[at] === envelope[at])).map((bytes) => ({ time: net.clock.now(), sender, envelope: bytes })),
      )
      await net.advance(3_000)
      if (round > 0) await expectUnchanged(bob, before)
      await net.drive(mallory.send([{ to: toBob, envelope }]))
      await net.advance(1_000)
      texts.push(`message ${round}`)
    }
    await net.settle()
    expect(await received(bob)).toEqual(texts)
    expect(heard.messages).toEqual(texts)
  })
})
