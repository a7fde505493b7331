import { createManifest, decodeManifest, signRefreshProof, signSocketProof } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { SecureChatError } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { closeNetworks, friends, listenTo, network, sent } from '../../src/attack-scene.js'

closeNetworks()

const provider = await sodiumProvider()
const SIGNATURE = 64
const signatureOf = (bytes: Uint8Array): Uint8Array => bytes.slice(bytes.length - SIGNATURE)
const withSignature = (bytes: Uint8Array, signature: Uint8Array): Uint8Array => Uint8Array.from([...bytes.subarray(0, bytes.length - SIGNATURE), ...signature])

/** N×N at the level of the verifiers is in the crypto package; here the genuine signatures of one device travel to wrong places. */
describe('attack 08: a device’s signatures in other places', () => {
  it('attack 08: the server takes none of them for another', async () => {
    const net = await network()
    const peer = await net.malicious.peer('Mallory')
    const { signing } = peer.deviceKeys
    const [time, nonce, refreshToken] = [net.clock.now(), new Uint8Array(16), 'a-refresh-token-that-nobody-has']
    const { manifest, preKeys, accountId, accountKeys } = peer
    const signatures = {
      acceptance: manifest.devices[0]!.accept.signature,
      prekey: signatureOf(preKeys.signed.public),
      socket: signSocketProof(provider, { signing, challenge: new Uint8Array(32).fill(1), accessToken: 'an-access-token-of-some-length' }),
      refresh: signRefreshProof(provider, { signing, refreshToken, issuedAt: time, nonce }),
    }
    for (const [name, signature] of Object.entries(signatures)) {
      if (name !== 'prekey')
        await expect(net.drive(peer.call('prekeys.publish', { signed: withSignature(preKeys.signed.public, signature) })), name).rejects.toMatchObject({
          code: 'prekeys/invalid-bundle',
        })
      if (name !== 'acceptance') {
        const devices = manifest.devices.map((device) => ({ ...device, accept: { ...device.accept, signature } }))
        const { bytes } = createManifest(peer.deps(), {
          accountId,
          accountKey: accountKeys,
          version: 2,
          prevHash: manifest.hash,
          notBefore: time,
          notAfter: time + 86_400_000,
          devices,
        })
        await expect(net.drive(peer.call('devices.updateManifest', { manifest: bytes })), name).rejects.toMatchObject({ code: 'devices/invalid-manifest' })
      }
    }
  })

  it('attack 08: a client takes none of them for a prekey’s or a manifest’s', async () => {
    const { net, alice, bob, bobId, toBob } = await friends()
    const heard = listenTo(alice)
    let acceptance: Uint8Array | undefined
    // A device list with the device's signature in the place of the account's.
    net.malicious.on('devices.manifest', async ({ input, forward }) => {
      const { manifests } = await forward({ accountId: input.accountId })
      const { bytes, devices } = decodeManifest(provider, manifests.at(-1)!)
      acceptance = devices[0]!.accept.signature
      const forged = bytes.slice()
      forged.set(acceptance, bytes.length - 2 * SIGNATURE - 1)
      return { manifests: [forged], more: false }
    })
    net.malicious.onSend(() => {
      throw new SecureChatError('devices/stale-manifest')
    })
    await toBob.send('secret')
    await net.advance(5_000)
    expect(heard.alerts).toEqual(['devices/invalid-manifest'])
    expect((await sent(alice)).at(-1)).toEqual(['secret', 'failed'])

    net.malicious.clear()
    net.malicious.on('prekeys.fetch', async ({ forward }) => {
      const { bundles } = await forward()
      return {
        bundles: bundles.map(({ deviceId, signed, lastResort }) => ({ deviceId, signed: withSignature(signed, acceptance!), lastResort })),
      }
    })
    const carol = await net.client('Carol')
    const chat = await net.drive(carol.conversations.direct({ phone: bob.phone }))
    expect(chat.peerId).toBe(bobId)
    const sends = net.malicious.sends.length
    await chat.send('secret')
    await net.advance(5_000)
    expect((await sent(carol)).at(-1)).toEqual(['secret', 'failed'])
    expect(net.malicious.sends).toHaveLength(sends)
  })
})
