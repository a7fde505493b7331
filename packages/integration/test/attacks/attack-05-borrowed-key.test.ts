import { acceptDevice, createManifest, decodeManifest, generateDeviceKeys } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import type { DeviceId } from '@securechat/protocol'
import { seededRandom } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, friends, listenTo } from '../../src/attack-scene.js'

closeNetworks()

const provider = await sodiumProvider()
const SECOND = 2 as DeviceId

describe('attack 05: a device key that belongs to somebody else', () => {
  it('attack 05: an account that lists Bob’s device as its own is refused by the server and by every client', async () => {
    const { net, alice, bobId } = await friends()
    const mallory = await net.malicious.peer('Mallory')
    const bob = await net.drive(mallory.device(bobId))
    const bobs = decodeManifest(provider, (await net.drive(mallory.call('devices.manifest', { accountId: bobId }))).manifests[0]!)
    const deps = { provider, random: seededRandom(5).bytes, now: net.clock.now() }
    const own = generateDeviceKeys(deps)
    const { accountId, accountKey } = mallory.manifest
    // Mallory cannot sign for Bob's key. The acceptance is one of her own key, one for Bob's account, and none at all.
    const ownAccept = acceptDevice(deps, { accountId, accountKey, deviceId: SECOND, deviceKeys: own })
    const others = [ownAccept, { ...ownAccept, signature: bobs.devices[0]!.accept.signature }, { ...ownAccept, signature: new Uint8Array(64) }]
    for (const accept of others) {
      const borrowed = {
        deviceId: SECOND,
        signingKey: bob.signingKey,
        identityKey: bob.identityKey,
        addedVersion: mallory.manifest.version + 1,
        flags: 0,
        accept,
      }
      const refused = await net.drive(
        mallory.publish({ devices: [...mallory.manifest.devices, borrowed] }).then(
          () => 'taken',
          (error: { code: string }) => error.code,
        ),
      )
      expect(refused).toBe('devices/invalid-manifest')
    }
    // A server in league with her shows it anyway.
    const heard = listenTo(alice)
    const { version, hash, notBefore, notAfter, devices } = mallory.manifest
    const borrowed = { deviceId: SECOND, signingKey: bob.signingKey, identityKey: bob.identityKey, addedVersion: version + 1, flags: 0, accept: ownAccept }
    const forged = createManifest(
      { provider },
      { accountId, accountKey: mallory.accountKeys, version: version + 1, prevHash: hash, notBefore, notAfter, devices: [...devices, borrowed] },
    ).bytes
    net.malicious.on('devices.manifest', async ({ input, forward }) => {
      const there = await forward()
      return input.accountId === accountId ? { ...there, manifests: [...there.manifests, forged] } : there
    })
    const chat = await net.drive(alice.conversations.direct({ accountId }))
    await chat.send('hello')
    await net.advance(5_000)
    expect(heard.alerts).toContain('devices/invalid-manifest')
    expect(net.malicious.sends.flatMap(({ frame }) => frame.recipients).filter((recipient) => recipient.accountId === accountId)).toEqual([])
    expect(await accountOf(alice)).not.toBe(accountId)
  })
})
