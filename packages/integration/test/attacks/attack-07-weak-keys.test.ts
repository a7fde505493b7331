import { acceptDevice, type CryptoProvider, createManifest, decodeManifest, generateAccountKeys, generateDeviceKeys, Secret } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { LABELS, parseT } from '@securechat/protocol'
import { seededRandom } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { closeNetworks, listenTo, network, sent } from '../../src/attack-scene.js'

closeNetworks()

const provider = await sodiumProvider()
/** With the identity as A and as R, and S = 0, the equation of Ed25519 holds for every message. Every case at every place is tried in the crypto package. */
const IDENTITY = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
const FOR_ANYTHING = Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 0))
const weakSigner: CryptoProvider = { ...provider, ed25519Sign: () => FOR_ANYTHING }
const weakPair = { publicKey: IDENTITY, secretKey: new Secret(new Uint8Array(64)) }

function weakManifest(like: Uint8Array, weak: 'account key' | 'device key'): Uint8Array {
  const { accountId, version, prevHash, notBefore, notAfter, devices } = decodeManifest(provider, like)
  const deps = { provider, random: seededRandom(3).bytes, now: notBefore }
  const accountKey = weak === 'account key' ? weakPair : generateAccountKeys(deps)
  const deviceKeys = { ...generateDeviceKeys(deps), ...(weak === 'device key' && { signing: weakPair }) }
  const deviceId = devices[0]!.deviceId
  const accept = acceptDevice(
    { provider: weak === 'device key' ? weakSigner : provider },
    { accountId, accountKey: accountKey.publicKey, deviceId, deviceKeys },
  )
  const { signing, identity } = deviceKeys
  const device = { deviceId, signingKey: signing.publicKey, identityKey: identity.publicKey, addedVersion: version, flags: 1, accept }
  const signer = weak === 'account key' ? weakSigner : provider
  return createManifest({ provider: signer }, { accountId, accountKey, version, prevHash, notBefore, notAfter, devices: [device] }).bytes
}

describe('attack 07: keys that sign everything', () => {
  it.each(['account key', 'device key'] as const)('attack 07: a server cannot show a weak %s to a client', async (weak) => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    const heard = listenTo(alice)
    net.malicious.on('devices.manifest', async ({ input, forward }) => {
      const { manifests } = await forward()
      const bobs = decodeManifest(provider, manifests[0]!).devices[0]!.deviceId === 1 && input.accountId === (await bob.account.state()).accountId
      return bobs ? { manifests: [weakManifest(manifests[0]!, weak)], more: false } : { manifests, more: false }
    })
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    await chat.send('secret')
    await net.advance(5_000)
    expect(heard.alerts).toContain('devices/invalid-manifest')
    expect(await sent(alice)).toEqual([['secret', 'failed']])
    expect(net.malicious.sends).toEqual([])
  })

  it.each(['account key', 'device key'] as const)('attack 07: a client cannot register with a weak %s', async (weak) => {
    const net = await network()
    net.malicious.on('account.register', ({ input, forward }) => forward({ ...input, manifest: weakManifest(input.manifest, weak) }))
    await expect(net.client('Mallory')).rejects.toMatchObject({ code: 'devices/invalid-manifest' })
  })

  it('attack 07: a client cannot publish prekeys, nor sign in, with a signature of that kind', async () => {
    const net = await network()
    const peer = await net.malicious.peer('Mallory')
    const signed = peer.preKeys.signed.public
    expect(parseT(signed.subarray(0, signed.length - 64), LABELS.prekey)).toHaveLength(9)
    const forged = Uint8Array.from([...signed.subarray(0, signed.length - 64), ...FOR_ANYTHING])
    await expect(net.drive(peer.call('prekeys.publish', { signed: forged }))).rejects.toMatchObject({ code: 'prekeys/invalid-bundle' })
    const refreshToken = 'a-refresh-token-that-nobody-has'
    const proof = { refreshToken, time: net.clock.now(), nonce: new Uint8Array(16), proof: FOR_ANYTHING }
    await expect(net.drive(peer.call('auth.refresh', proof))).rejects.toMatchObject({ code: expect.stringMatching(/^auth\//) })
  })
})
