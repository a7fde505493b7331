import { acceptDevice, createManifest, decodeManifest, generateAccountKeys, generateDeviceKeys, generatePreKeys, type Manifest } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { type DeviceId, SecureChatError } from '@securechat/protocol'
import { type Malicious, seededRandom } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { closeNetworks, friends, listenTo, network, received, sent } from '../../src/attack-scene.js'

closeNetworks()

const GHOST = 2 as DeviceId
const provider = await sodiumProvider()

/** A device of the server's own, with everything but the account's signature. */
function ghostFor(manifest: Manifest, { version }: { version: number }) {
  const deps = { provider, random: seededRandom(99).bytes, now: manifest.notBefore }
  const deviceKeys = generateDeviceKeys(deps)
  const { accountId, accountKey, notBefore, notAfter, devices } = manifest
  const accept = acceptDevice(deps, { accountId, accountKey, deviceId: GHOST, deviceKeys })
  const { signing, identity } = deviceKeys
  const ghost = { deviceId: GHOST, signingKey: signing.publicKey, identityKey: identity.publicKey, addedVersion: version, flags: 0, accept }
  const prevHash = version === 1 ? new Uint8Array(0) : manifest.hash
  const common = { accountId, version, prevHash, notBefore, notAfter }
  const { secretKey } = generateAccountKeys(deps)
  const forged = createManifest(deps, { ...common, accountKey: { publicKey: accountKey, secretKey }, devices: [...devices, ghost] }).bytes
  const preKeys = generatePreKeys(deps, { accountId, deviceId: GHOST, deviceKeys, firstKeyId: 1, count: 0 })
  return { forged, bundle: { deviceId: GHOST, signed: preKeys.signed.public, lastResort: preKeys.lastResort.public } }
}

/** The server names the ghost to everybody who asks for this account, and has prekeys for it. */
function haunt(server: Malicious, version: number): void {
  let ghost: ReturnType<typeof ghostFor> | undefined
  server.on('devices.manifest', async ({ input, forward }) => {
    const { manifests } = await forward({ accountId: input.accountId })
    ghost = ghostFor(decodeManifest(provider, manifests[0]!), { version })
    return { manifests: version === 1 ? [ghost.forged] : [...manifests, ghost.forged], more: false }
  })
  server.on('prekeys.fetch', async ({ input, forward }) => {
    const { bundles } = await forward({ ...input, deviceIds: input.deviceIds.filter((id) => id !== GHOST) })
    return { bundles: ghost ? [...bundles, ghost.bundle] : [...bundles] }
  })
}
const devicesWrittenTo = (server: Malicious): number[] => [
  ...new Set(server.sends.flatMap(({ frame }) => frame.recipients.map(({ deviceId }) => deviceId as number))),
]

describe('attack 01: a device that the account has not signed', () => {
  it('attack 01: is refused at the first contact, and nothing is encrypted', async () => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    const heard = listenTo(alice)
    haunt(net.malicious, 1)
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    const message = await chat.send('secret')
    await net.advance(5_000)
    expect(await sent(alice)).toEqual([['secret', 'failed']])
    expect(heard.alerts).toContain('devices/invalid-manifest')
    expect(net.malicious.sends).toEqual([])
    net.malicious.clear()
    await chat.retry(message.id)
    await net.settle()
    expect(await received(bob)).toEqual(['secret'])
  })

  it('attack 01: is refused later, with an event; the true devices are written to, the ghost never', async () => {
    const { net, alice, bob, toBob } = await friends()
    const heard = listenTo(alice)
    haunt(net.malicious, 2)
    const end = net.malicious.onSend(async ({ client, forward }) => {
      // The way in which a true server says that the list has grown.
      if (client === 'Alice') throw new SecureChatError('devices/stale-manifest')
      await forward()
    })
    const message = await toBob.send('secret')
    await net.advance(5_000)
    expect(heard.alerts).toContain('devices/invalid-manifest')
    expect((await sent(alice)).at(-1)).toEqual(['secret', 'failed'])
    end()
    await toBob.retry(message.id)
    await net.settle()
    expect((await received(bob)).at(-1)).toBe('secret')
    expect(devicesWrittenTo(net.malicious)).toEqual([1])
  })

  it('attack 01: gets no ciphertext where the server adds its prekeys to the answer', async () => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    haunt(net.malicious, 2)
    net.malicious.on('devices.manifest', ({ forward }) => forward())
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    await chat.send('secret')
    await net.settle()
    expect(await received(bob)).toEqual(['secret'])
    expect(devicesWrittenTo(net.malicious)).toEqual([1])
  })

  it('attack 01: cannot write as the account either', async () => {
    const { net, alice, bobId } = await friends()
    const heard = listenTo(alice)
    const before = await received(alice)
    const [genuine] = net.malicious.rows.filter(({ client }) => client === 'Alice')
    net.malicious.deliver('Alice', [{ ...genuine!.row, sender: { accountId: bobId, deviceId: GHOST } }])
    await net.settle()
    expect(heard.failures).toEqual(['devices/stale-manifest'])
    expect((await received(alice)).filter((text) => text !== '')).toEqual(before)
  })
})
