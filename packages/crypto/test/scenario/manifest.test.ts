import { type DeviceId, LIMITS } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  acceptDevice,
  believedDevices,
  compareManifestRef,
  createManifest,
  type DeviceKeys,
  decodeManifest,
  decodeManifestPin,
  encodeManifestPin,
  generateAccountKeys,
  generateDeviceKeys,
  type ManifestDevice,
  type ManifestInput,
  type ManifestPin,
  manifestRef,
  remoteDevice,
  verifyManifest,
  verifyManifestChain,
} from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, NOTHING, Person, START, type World } from '../support/people.js'
import { noble, sodium } from '../support/providers.js'

let world: World
let alice: Person

beforeEach(() => {
  world = createWorld(sodium)
  alice = new Person(world)
})

function newDevice(id: number, addedVersion: number, account = alice.account.publicKey, accountId = alice.accountId): ManifestDevice {
  const keys = generateDeviceKeys(world.deps())
  const deviceId = id as DeviceId
  const accept = acceptDevice(world.deps(), { accountId, accountKey: account, deviceId, deviceKeys: keys })
  return { deviceId, signingKey: keys.signing.publicKey, identityKey: keys.identity.publicKey, addedVersion, flags: 0, accept }
}

interface Before {
  readonly version: number
  readonly hash: Uint8Array
  readonly devices: readonly ManifestDevice[]
}

/** Signs a successor of `before` with the given changes. */
const make = (before: Before, changes: Partial<ManifestInput> = {}) =>
  createManifest(world.deps(), {
    accountId: alice.accountId,
    accountKey: alice.account,
    version: before.version + 1,
    prevHash: before.hash,
    notBefore: world.now,
    notAfter: world.now + 30 * DAY,
    devices: before.devices,
    ...changes,
  })

const next = (before: Before, changes: Partial<ManifestInput> = {}) => verifyManifest(sodium, make(before, changes).bytes)

const follow = (pinned: ManifestPin | null, chain: readonly { bytes: Uint8Array }[], options: { acceptAccountKey?: Uint8Array } = {}) =>
  verifyManifestChain(sodium, { pinned, chain: chain.map(({ bytes }) => bytes), now: world.now, ...options })
const pin = (): ManifestPin => follow(null, [alice.manifest]).pin

describe('one manifest', () => {
  test('comes back from its bytes, with every provider the same hash and verdict', () => {
    const { bytes } = alice.manifest
    expect(verifyManifest(noble, bytes).hash).toEqual(verifyManifest(sodium, bytes).hash)
    expect(decodeManifest(sodium, bytes)).toEqual(verifyManifest(sodium, bytes))
    expect(alice.manifest).toMatchObject({ accountId: alice.accountId, version: 1, devices: [{ deviceId: 1, addedVersion: 1, flags: 1 }] })
    expect(remoteDevice(alice.manifest, 1 as DeviceId).signingKey).toEqual(alice.keys.signing.publicKey)
    expect(codeOf(() => remoteDevice(alice.manifest, 9 as DeviceId))).toBe('mailbox/unknown-recipient')
  })

  test('any changed or missing byte is refused', () => {
    const { bytes } = alice.manifest
    const codes = ['devices/invalid-manifest', 'protocol/malformed', 'protocol/unsupported-version']
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.slice()
      changed[i] = (changed[i] as number) ^ 0x04
      expect(codes, `byte ${i}`).toContain(codeOf(() => verifyManifest(sodium, changed)))
      expect(codes, `length ${i}`).toContain(codeOf(() => verifyManifest(sodium, bytes.subarray(0, i))))
    }
    expect(codes).toContain(codeOf(() => verifyManifest(sodium, new Uint8Array([...bytes, 0]))))
    expect(codeOf(() => decodeManifest(sodium, new Uint8Array(LIMITS.manifestBytes + 1)))).toBe('protocol/too-large')
  })

  test.each<[string, Partial<ManifestInput>]>([
    ['valid for more than 30 days', { notAfter: START + 30 * DAY + 1 }],
    ['valid for no time', { notAfter: START }],
    ['without devices', { devices: [] }],
    ['version 0', { version: 0 }],
    ['a first version with a previous hash', { version: 1, prevHash: new Uint8Array(64) }],
    ['a later version without one', { version: 2, prevHash: NOTHING }],
  ])('is not made: %s', (_, changes) => {
    expect(codeOf(() => make({ version: 0, hash: NOTHING, devices: alice.manifest.devices }, changes))).toBe('devices/invalid-manifest')
  })

  test('is not made: a device twice, or more than the limit', () => {
    const device = alice.manifest.devices[0] as ManifestDevice
    expect(codeOf(() => make(alice.manifest, { devices: [device, device] }))).toBe('devices/invalid-manifest')
    const many = Array.from({ length: LIMITS.devicesPerAccount + 1 }, (_, i) => ({ ...device, deviceId: (i + 1) as DeviceId }))
    expect(codeOf(() => make(alice.manifest, { devices: many }))).toBe('devices/invalid-manifest')
    expect(next(alice.manifest, { devices: Array.from({ length: LIMITS.devicesPerAccount }, (_, i) => newDevice(i + 2, 2)) }).devices).toHaveLength(
      LIMITS.devicesPerAccount,
    )
  })

  test('lists its devices by their ids, in whatever order they were given', () => {
    const devices = [newDevice(3, 2), newDevice(9, 2), ...alice.manifest.devices, newDevice(2, 2)]
    expect(next(alice.manifest, { devices }).devices.map(({ deviceId }) => deviceId)).toEqual([1, 2, 3, 9])
    expect(devices.map(({ deviceId }) => deviceId)).toEqual([3, 9, 1, 2])
  })

  test('a device accepts with the transcript of its linking, 32 bytes, or with none', () => {
    const accept = (transcript: Uint8Array) =>
      acceptDevice(world.deps(), {
        accountId: alice.accountId,
        accountKey: alice.account.publicKey,
        deviceId: alice.deviceId,
        deviceKeys: alice.keys,
        transcript,
      })
    for (const length of [0, 32]) expect(accept(new Uint8Array(length)).transcript).toHaveLength(length)
    for (const length of [1, 31, 33]) expect(codeOf(() => accept(new Uint8Array(length)))).toBe('client/invalid-argument')
  })

  test('a device must have accepted this very account under this very account key', () => {
    const other = generateAccountKeys(world.deps())
    const stolen = newDevice(2, 2, other.publicKey)
    expect(codeOf(() => next(alice.manifest, { devices: [...alice.manifest.devices, stolen] }))).toBe('devices/invalid-manifest')
  })
})

describe('chain', () => {
  test('first contact, then a renewal, a new device, a removal', () => {
    const first = follow(null, [alice.manifest])
    expect(first).toMatchObject({ stale: false, early: false, changed: true, newDeviceIds: [1], removedDeviceIds: [] })
    const second = next(alice.manifest)
    const third = next(second, { devices: [...second.devices, newDevice(2, 3)] })
    const both = follow(first.pin, [second, third])
    expect(both).toMatchObject({ changed: true, newDeviceIds: [2], successions: [], pin: { highestDeviceId: 2 } })
    expect(follow(null, [alice.manifest, second, third])).toMatchObject({ newDeviceIds: [1, 2], successions: [], pin: { highestDeviceId: 2 } })
    const fourth = next(third, { devices: third.devices.slice(0, 1) })
    const removed = follow(both.pin, [fourth])
    expect(removed).toMatchObject({ newDeviceIds: [], removedDeviceIds: [2], pin: { highestDeviceId: 2 } })
    expect(follow(removed.pin, [])).toMatchObject({ changed: false })
    expect(follow(removed.pin, [fourth])).toMatchObject({ changed: false })
  })

  test('an older version is a rollback, other content for the pinned version a fork', () => {
    const second = next(alice.manifest)
    const pinned = follow(null, [alice.manifest, second]).pin
    expect(codeOf(() => follow(pinned, [alice.manifest]))).toBe('devices/manifest-rollback')
    expect(codeOf(() => follow(pinned, [next(alice.manifest, { notAfter: START + DAY })]))).toBe('devices/manifest-fork')
  })

  test('a link that does not fit is a fork; a gap, another account, a forgery are invalid', () => {
    const second = next(alice.manifest)
    const otherSecond = next(alice.manifest, { notAfter: START + DAY })
    expect(codeOf(() => follow(pin(), [next(otherSecond)]))).toBe('devices/invalid-manifest')
    expect(codeOf(() => follow(pin(), [second, next(otherSecond)]))).toBe('devices/manifest-fork')
    expect(codeOf(() => follow(pin(), [next(second)]))).toBe('devices/invalid-manifest')
    expect(codeOf(() => follow(pin(), [new Person(world).manifest]))).toMatch(/^devices\/(invalid-manifest|manifest-fork)$/)
    expect(codeOf(() => follow(pin(), [second, second]))).toBe('devices/invalid-manifest')
    expect(codeOf(() => follow(null, []))).toBe('devices/invalid-manifest')
  })

  test('the same account key does not make another account of it', () => {
    const accountId = new Person(world).accountId
    const device = newDevice(2, 2, alice.account.publicKey, accountId)
    expect(codeOf(() => follow(pin(), [next(alice.manifest, { accountId, devices: [device] })]))).toBe('devices/invalid-manifest')
  })

  test('every device that is gone is named, and no other', () => {
    const three = next(alice.manifest, { devices: [...alice.manifest.devices, newDevice(2, 2), newDevice(3, 2)] })
    const pinned = follow(pin(), [three]).pin
    const [first, , third] = three.devices as [ManifestDevice, ManifestDevice, ManifestDevice]
    expect(follow(pinned, [next(three, { devices: [first, third] })])).toMatchObject({ newDeviceIds: [], removedDeviceIds: [2] })
    expect(follow(pinned, [next(three, { devices: [third] })])).toMatchObject({ newDeviceIds: [], removedDeviceIds: [1, 2] })
  })

  test('another account key is an error until exactly that key is accepted', () => {
    const account = generateAccountKeys(world.deps())
    const replaced = next(alice.manifest, { accountKey: account, devices: [newDevice(2, 2, account.publicKey)] })
    expect(codeOf(() => follow(pin(), [replaced]))).toBe('devices/identity-changed')
    expect(codeOf(() => follow(pin(), [replaced], { acceptAccountKey: generateAccountKeys(world.deps()).publicKey }))).toBe('devices/identity-changed')
    const accepted = follow(pin(), [replaced], { acceptAccountKey: account.publicKey })
    expect(accepted).toMatchObject({ newDeviceIds: [2], removedDeviceIds: [1], successions: [] })
    // A chain that begins before the key that is believed is wrong, and no change of the key.
    expect(codeOf(() => follow(accepted.pin, [alice.manifest, replaced]))).toBe('devices/invalid-manifest')
    // Not accepted by the old key's acceptance: a second change is asked for again.
    const again = generateAccountKeys(world.deps())
    const third = next(replaced, { accountKey: again, devices: [newDevice(3, 3, again.publicKey)] })
    expect(codeOf(() => follow(accepted.pin, [third], { acceptAccountKey: account.publicKey }))).toBe('devices/identity-changed')
  })

  test('device ids are never used again, keys of a device never change, additions are dated', () => {
    const third = next(alice.manifest, { devices: [...alice.manifest.devices, newDevice(2, 2)] })
    const pinned = follow(pin(), [third]).pin
    const removed = next(third, { devices: third.devices.slice(0, 1) })
    const after = follow(pinned, [removed]).pin
    expect(codeOf(() => follow(after, [next(removed, { devices: [...removed.devices, newDevice(2, 4)] })]))).toBe('devices/invalid-manifest')
    expect(codeOf(() => follow(pinned, [next(third, { devices: [third.devices[0] as ManifestDevice, newDevice(2, 2)] })]))).toBe('devices/invalid-manifest')
    expect(codeOf(() => follow(after, [next(removed, { devices: [...removed.devices, newDevice(3, 2)] })]))).toBe('devices/invalid-manifest')
    expect(follow(after, [next(removed, { devices: [...removed.devices, newDevice(3, 4)] })]).newDeviceIds).toEqual([3])
  })

  test('a known device keeps both of its keys and the version that added it', () => {
    const [known, other] = [generateDeviceKeys(world.deps()), generateDeviceKeys(world.deps())]
    const deviceId = 2 as DeviceId
    const listed = (keys: DeviceKeys, addedVersion: number): ManifestDevice => ({
      deviceId,
      signingKey: keys.signing.publicKey,
      identityKey: keys.identity.publicKey,
      addedVersion,
      flags: 0,
      accept: acceptDevice(world.deps(), { accountId: alice.accountId, accountKey: alice.account.publicKey, deviceId, deviceKeys: keys }),
    })
    const second = next(alice.manifest, { devices: [...alice.manifest.devices, listed(known, 2)] })
    const pinned = follow(pin(), [second]).pin
    const third = (device: ManifestDevice) => next(second, { devices: [...alice.manifest.devices, device] })
    for (const device of [
      listed({ signing: known.signing, identity: other.identity }, 2),
      listed({ signing: other.signing, identity: known.identity }, 2),
      listed(known, 1),
      listed(known, 3),
    ])
      expect(codeOf(() => follow(pinned, [third(device)]))).toBe('devices/invalid-manifest')
    expect(follow(pinned, [third({ ...listed(known, 2), flags: 1 })])).toMatchObject({ newDeviceIds: [], removedDeviceIds: [] })
  })

  test('the recovery key is named once, and then cannot be exchanged or taken back by the account key', () => {
    const [recoveryKey, another] = [generateAccountKeys(world.deps()).publicKey, generateAccountKeys(world.deps()).publicKey]
    const naming = next(alice.manifest, { recoveryKey })
    const named = follow(pin(), [naming])
    expect(named.manifest.recoveryKey).toEqual(recoveryKey)
    expect(codeOf(() => follow(named.pin, [next(naming, { recoveryKey: another })]))).toBe('devices/invalid-manifest')
    expect(codeOf(() => follow(named.pin, [next(naming, { recoveryKey: new Uint8Array(0) })]))).toBe('devices/invalid-manifest')
    expect(codeOf(() => follow(pin(), [naming, next(naming, { recoveryKey: another })]))).toBe('devices/invalid-manifest')
    expect(follow(named.pin, [next(naming, { recoveryKey })]).manifest.version).toBe(naming.version + 1)
  })

  test('expired: known devices go on, a new one is not believed until a manifest in force lists it', () => {
    const pinned = pin()
    const second = next(alice.manifest, { devices: [...alice.manifest.devices, newDevice(2, 2)] })
    world.now = second.notAfter + 1
    const stale = follow(pinned, [second])
    expect(stale).toMatchObject({ stale: true, newDeviceIds: [2] })
    expect(believedDevices(stale.pin).map(({ deviceId }) => deviceId)).toEqual([1])
    const again = follow(decodeManifestPin(sodium, encodeManifestPin(stale.pin)), [second])
    expect(believedDevices(again.pin).map(({ deviceId }) => deviceId)).toEqual([1])
    const renewed = follow(again.pin, [next(second)])
    expect(renewed.stale).toBe(false)
    expect(believedDevices(renewed.pin).map(({ deviceId }) => deviceId)).toEqual([1, 2])
    // First contact is allowed and flagged.
    expect(believedDevices(follow(null, [second]).pin)).toHaveLength(2)
  })

  test('a manifest is in force to the last millisecond of its time', () => {
    world.now = alice.manifest.notAfter
    expect(follow(null, [alice.manifest]).stale).toBe(false)
    world.now++
    expect(follow(null, [alice.manifest]).stale).toBe(true)
  })

  test('an unbelieved device that was removed is forgotten, the others stay unbelieved', () => {
    const second = next(alice.manifest, { devices: [...alice.manifest.devices, newDevice(2, 2), newDevice(3, 2)] })
    const third = next(second, { devices: second.devices.filter(({ deviceId }) => deviceId !== 2) })
    const pinned = pin()
    world.now = second.notAfter + 1
    const stale = follow(pinned, [second])
    expect(stale.pin.unbelieved).toEqual([2, 3])
    expect(follow(stale.pin, [third]).pin.unbelieved).toEqual([3])
    expect(follow(stale.pin, []).pin.unbelieved).toEqual([2, 3])
  })

  test('a manifest from the future is flagged', () => {
    const second = next(alice.manifest, { notBefore: world.now + 3_600_001 })
    expect(follow(pin(), [second]).early).toBe(true)
    expect(follow(pin(), [next(alice.manifest, { notBefore: world.now + 3_600_000 })]).early).toBe(false)
  })
})

test('a pin comes back from its bytes; damage is a typed error', () => {
  const bytes = encodeManifestPin(pin())
  expect(encodeManifestPin(decodeManifestPin(sodium, bytes))).toEqual(bytes)
  const codes = ['storage/corrupt', 'protocol/unsupported-version', 'devices/invalid-manifest', 'protocol/malformed']
  for (let length = 0; length < bytes.length; length++) expect(codes).toContain(codeOf(() => decodeManifestPin(sodium, bytes.subarray(0, length))))
})

test('echoes are judged by version, then by content', () => {
  const second = next(alice.manifest)
  expect(compareManifestRef(second, manifestRef(second))).toBe('same')
  expect(compareManifestRef(second, manifestRef(alice.manifest))).toBe('older')
  expect(compareManifestRef(alice.manifest, manifestRef(second))).toBe('newer')
  expect(compareManifestRef(second, { version: 2, hash: new Uint8Array(32) })).toBe('fork')
})
