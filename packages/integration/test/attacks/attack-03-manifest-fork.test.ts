import { acceptDevice, createManifest, decodeAccountKeys, decodeManifest, generateDeviceKeys, type Manifest, verifyManifest } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { type DeviceId, SecureChatError } from '@securechat/protocol'
import { readStored, seededRandom } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { closeNetworks, type Friends, friends, listenTo, network, received, sent } from '../../src/attack-scene.js'

closeNetworks()

const DAY = 86_400_000
const provider = await sodiumProvider()

/**
 * The server has Bob's account key: the worst case, since only that key signs a second list. It shows Alice a version 2 with a device of its own,
 * while Bob and everybody else have Bob's true version 2.
 */
async function forked(scene: Friends): Promise<Manifest> {
  const { net, alice, bob, bobId } = scene
  const accountKey = decodeAccountKeys((await readStored(bob.disk)).get('keys/account')!)
  let forged: Manifest | undefined
  const forge = (first: Manifest): Manifest => {
    const deps = { provider, random: seededRandom(7).bytes, now: net.clock.now() }
    const deviceKeys = generateDeviceKeys(deps)
    const deviceId = 2 as DeviceId
    const accept = acceptDevice(deps, { accountId: bobId, accountKey: accountKey.publicKey, deviceId, deviceKeys })
    const { signing, identity } = deviceKeys
    const ghost = { deviceId, signingKey: signing.publicKey, identityKey: identity.publicKey, addedVersion: 2, flags: 0, accept }
    const { bytes } = createManifest(deps, {
      accountId: bobId,
      accountKey,
      version: 2,
      prevHash: first.hash,
      notBefore: net.clock.now(),
      notAfter: net.clock.now() + 30 * DAY,
      devices: [...first.devices, ghost],
    })
    return verifyManifest(provider, bytes)
  }
  net.malicious.on('devices.manifest', async ({ client, input, forward }) => {
    if (client !== 'Alice' || input.accountId !== bobId) return forward()
    const { manifests } = await forward({ accountId: bobId })
    forged ??= forge(decodeManifest(provider, manifests[0]!))
    return { manifests: [manifests[0]!, forged.bytes], more: false }
  })
  let told = false
  net.malicious.onSend(async ({ client, frame, forward }) => {
    if (client === 'Alice' && !told) {
      told = true
      throw new SecureChatError('devices/stale-manifest')
    }
    // The ghost has no mailbox on the true server; its copy stays with the attacker.
    await forward({ ...frame, recipients: frame.recipients.filter(({ deviceId }) => deviceId === 1) })
  })
  await scene.toBob.send('Alice learns of version 2')
  await net.advance(5_000)
  expect((await sent(alice)).at(-1)?.[1]).not.toBe('failed')
  return forged!
}

describe('attack 03: two device lists of one version', () => {
  it('attack 03: shown to one client one after the other, the second is refused, with both as evidence', async () => {
    const net = await network()
    const peer = await net.malicious.peer('Peer')
    const alice = await net.client('Alice')
    const chat = await net.drive(alice.conversations.direct({ accountId: peer.accountId }))
    await chat.send('hello')
    await net.settle()
    const { accountId, accountKeys, manifest } = peer
    const { version, prevHash, notBefore, devices } = manifest
    const other = createManifest(peer.deps(), { accountId, accountKey: accountKeys, version, prevHash, notBefore, notAfter: notBefore + DAY, devices })
    net.malicious.on('devices.manifest', () => ({ manifests: [other.bytes], more: false }))
    net.malicious.onSend(() => {
      throw new SecureChatError('devices/stale-manifest')
    })
    const evidence: (readonly Uint8Array[] | undefined)[] = []
    alice.on('security-alert', (event) => void evidence.push(event.evidence))
    const heard = listenTo(alice)
    await chat.send('secret')
    await net.advance(10_000)
    expect(heard.alerts).toEqual(['devices/manifest-fork'])
    expect((await sent(alice)).at(-1)).toEqual(['secret', 'failed'])
    expect(evidence[0]?.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(
      [manifest.bytes, other.bytes].map((bytes) => Buffer.from(bytes).toString('hex')),
    )
    for (const bytes of evidence[0]!) expect(verifyManifest(provider, bytes).version).toBe(1)
    expect(peer.rows).toHaveLength(1)
  })

  it('attack 03: the account itself finds it with one message of the deceived, before it has a version 2 of its own', async () => {
    const scene = await friends()
    const heard = listenTo(scene.bob)
    await forked(scene)
    await scene.net.advance(5_000)
    expect(heard.alerts).toContain('devices/manifest-rollback')
  })

  it('attack 03: both sides find it with one message each way once both have a version 2', async () => {
    const scene = await friends()
    const { net, alice, bob, toBob, toAlice } = scene
    // Bob renews his list: half of its life is over.
    await net.clock.jump(16 * DAY)
    await net.settle()
    await forked(scene)
    const [atAlice, atBob] = [listenTo(alice), listenTo(bob)]
    await toBob.send('to Bob')
    await net.advance(5_000)
    expect(atBob.alerts).toContain('devices/manifest-fork')
    await toAlice.send('to Alice')
    await net.advance(5_000)
    expect(atAlice.alerts).toContain('devices/manifest-fork')
    expect((await received(alice)).at(-1)).toBe('to Alice')
  })
})
