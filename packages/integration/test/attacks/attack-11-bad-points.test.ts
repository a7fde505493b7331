import {
  acceptDevice,
  type CryptoProvider,
  createManifest,
  encryptMessage,
  generatePreKeys,
  localDevice,
  type Manifest,
  verifyManifest,
} from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import type { MaliciousPeer } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, expectUnchanged, listenTo, messagesOf, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const provider = await sodiumProvider()
const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g)!, (pair) => Number.parseInt(pair, 16))
const ZERO = new Uint8Array(32)

/** u coordinates of small order and encodings that are not the least one: RFC 7748 would take all of them. */
const BAD_POINTS: readonly [string, Uint8Array][] = [
  ['zero', ZERO],
  ['one', Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))],
  ['order 8', hex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800')],
  ['order 8, the other', hex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157')],
  ['p − 1', hex('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')],
  ['p', hex('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')],
  ['p + 1', hex('eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')],
  ['p + 9, the base point again', hex('f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')],
  ['the base point with the high bit', Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 9 : i === 31 ? 0x80 : 0))],
]

/** These stand for the base point, so an agreement gives the other side's public key; all others give zero. Both are known without any private key. */
const standsForBase = (point: Uint8Array): boolean => point[0] === 0xf6 || (point[0] === 9 && point[31] === 0x80)

/** The n-th key pair that is made has this public key, and agrees on what a receiver without the checks would come to. */
function withPoint(point: Uint8Array, nth: number): CryptoProvider {
  let made = 0
  let secret: string | undefined
  const text = (key: Uint8Array): string => Buffer.from(key).toString('hex')
  return {
    ...provider,
    x25519PublicKey(secretKey) {
      if (made++ !== nth) return provider.x25519PublicKey(secretKey)
      secret = text(secretKey)
      return point.slice()
    },
    x25519: (secretKey, publicKey) => {
      if (text(secretKey) !== secret) return provider.x25519(secretKey, publicKey)
      return standsForBase(point) ? publicKey.slice() : ZERO.slice()
    },
  }
}

/** The peer's list with this identity key, signed by all of its keys. */
function manifestWith(peer: MaliciousPeer, identityKey: Uint8Array): Manifest {
  const { accountId, accountKeys, deviceId, deviceKeys, manifest } = peer
  const identity = { publicKey: identityKey, secretKey: deviceKeys.identity.secretKey }
  const accept = acceptDevice(peer.deps(), { accountId, accountKey: accountKeys.publicKey, deviceId, deviceKeys: { ...deviceKeys, identity } })
  const devices = manifest.devices.map((device) => ({ ...device, identityKey, accept }))
  const { version, prevHash, notBefore, notAfter } = manifest
  const { bytes } = createManifest(peer.deps(), { accountId, accountKey: accountKeys, version, prevHash, notBefore, notAfter, devices })
  return verifyManifest(provider, bytes)
}

describe('attack 11: X25519 points of small order, or in another encoding', () => {
  it.each(['signed', 'oneTime', 'identity'] as const)(
    'attack 11: as the %s key of a recipient they are refused before anything is encrypted',
    async (field) => {
      const net = await network()
      const alice = await net.client('Alice')
      for (const [name, point] of BAD_POINTS) {
        const peer = await net.malicious.peer(name)
        const { accountId, deviceId, deviceKeys } = peer
        const batch = generatePreKeys(
          { ...peer.deps(), provider: withPoint(point, { signed: 0, oneTime: 1, identity: -1 }[field]) },
          { accountId, deviceId, deviceKeys, firstKeyId: 1_000, count: 1 },
        )
        const bundle = { deviceId, signed: batch.signed.public, lastResort: batch.lastResort.public, oneTime: batch.oneTime[0]!.public }
        net.malicious.on('prekeys.fetch', () => ({ bundles: [bundle] }))
        if (field === 'identity') net.malicious.on('devices.manifest', () => ({ manifests: [manifestWith(peer, point).bytes], more: false }))
        const chat = await net.drive(alice.conversations.direct({ accountId }))
        const { id } = await chat.send(name)
        await net.advance(2_000)
        const row = (await messagesOf(alice)).find((message) => message.id === id)
        expect(row, name).toMatchObject({ status: 'failed', error: { code: 'crypto/invalid-key' } })
        expect(peer.rows).toEqual([])
        net.malicious.clear()
      }
      expect(net.malicious.sends).toEqual([])
      expect([...(await stateOf(alice)).keys()].filter((key) => key.startsWith('session/'))).toEqual([])
    },
  )

  it('attack 11: as the identity key of a sender they change nothing', async () => {
    const net = await network()
    const bob = await net.client('Bob')
    for (const [name, point] of BAD_POINTS) {
      const mallory = await net.malicious.peer(name)
      const manifest = manifestWith(mallory, point)
      net.malicious.on('devices.manifest', () => ({ manifests: [manifest.bytes], more: false }))
      const toBob = await net.drive(mallory.device(await accountOf(bob)))
      const bundle = await net.drive(mallory.bundle(toBob))
      await net.drive(bob.devices.safetyNumber(mallory.accountId))
      const before = await stateOf(bob)
      const lying = withPoint(point, 0)
      lying.x25519PublicKey(mallory.deviceKeys.identity.secretKey.expose())
      const { envelope } = encryptMessage(
        { ...mallory.deps(), provider: lying },
        {
          record: null,
          local: localDevice(manifest, mallory.deviceId, { ...mallory.deviceKeys, identity: { ...mallory.deviceKeys.identity, publicKey: point } }),
          remote: toBob,
          plaintext: { common: mallory.body(toBob.accountId, { type: 'text', text: name }), perSession: new Uint8Array(0) },
          bundle,
        },
      )
      await net.drive(mallory.send([{ to: toBob, envelope }]))
      await net.advance(1_000)
      await expectUnchanged(bob, before)
      net.malicious.clear()
    }
    expect(await received(bob)).toEqual([])
  })

  it('attack 11: as the ephemeral or the ratchet key of a sender they change nothing', async () => {
    const net = await network({ seed: 2 })
    const bob = await net.client('Bob')
    const mallory = await net.malicious.peer('Mallory')
    const toBob = await net.drive(mallory.device(await accountOf(bob)))
    const bundle = await net.drive(mallory.bundle(toBob))
    await net.drive(bob.devices.safetyNumber(mallory.accountId))
    const heard = listenTo(bob)
    const before = await stateOf(bob)
    for (const [name, point] of BAD_POINTS) {
      // The first pair of an initiator is its ephemeral key, the second its ratchet key.
      for (const nth of [0, 1]) {
        const { envelope } = encryptMessage(
          { ...mallory.deps(), provider: withPoint(point, nth) },
          {
            record: null,
            local: localDevice(mallory.manifest, mallory.deviceId, mallory.deviceKeys),
            remote: toBob,
            plaintext: { common: mallory.body(toBob.accountId, { type: 'text', text: name }), perSession: new Uint8Array(0) },
            bundle,
          },
        )
        await net.drive(mallory.send([{ to: toBob, envelope }]))
      }
    }
    await net.advance(2_000)
    await expectUnchanged(bob, before)
    expect(heard.messages).toEqual([])
    expect(heard.failures).toEqual([])
    const envelope = await net.drive(mallory.encrypt(toBob, { type: 'text', text: 'with honest keys' }, { bundle }))
    await net.drive(mallory.send([{ to: toBob, envelope }]))
    await net.settle()
    expect(await received(bob)).toEqual(['with honest keys'])
  })
})
