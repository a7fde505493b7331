import { concatBytes, idToBytes, LABELS, LIMITS, T, u32, u64 } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { acceptDevice, decodeManifest, verifyManifest } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, NOTHING, Person, START } from '../support/people.js'
import { sodium } from '../support/providers.js'

const world = createWorld(sodium, 23)
const alice = new Person(world)
const { accountId, account, keys, deviceId } = alice
const typed = (type: number, key: Uint8Array): Uint8Array => Uint8Array.of(type, ...key)

const FIELDS = {
  suite: Uint8Array.of(1),
  account: idToBytes(accountId),
  accountKey: typed(1, account.publicKey),
  version: u64(1),
  previous: NOTHING,
  notBefore: u64(START),
  notAfter: u64(START + DAY),
  recovery: NOTHING,
  devices: NOTHING,
}
type Name = keyof typeof FIELDS

const entry = ({ id = 1, signing = typed(1, keys.signing.publicKey), identity = typed(2, keys.identity.publicKey), added = 1 } = {}): Uint8Array =>
  concatBytes(u32(id), signing, identity, u64(added), u32(1))
const accept = acceptDevice(world.deps(), { accountId, accountKey: account.publicKey, deviceId, deviceKeys: keys })
const acceptance = (transcript = accept.transcript): Uint8Array => concatBytes(Uint8Array.of(transcript.length), transcript, accept.signature)

/** A manifest written out and signed by the account, whatever is in it. */
function written(fields: readonly Uint8Array[], acceptances: readonly Uint8Array[] = [acceptance()]): Uint8Array {
  const core = T(LABELS.manifest, ...fields)
  const signature = sodium.ed25519Sign(account.secretKey.expose(), core)
  return concatBytes(Uint8Array.of(1), u32(core.length), core, signature, ...acceptances)
}
const withFields = (changes: Partial<Record<Name, Uint8Array>>): Uint8Array[] => Object.values({ ...FIELDS, devices: entry(), ...changes })
const refusal = (bytes: Uint8Array): string => codeOf(() => verifyManifest(sodium, bytes))

describe('a signed manifest of another shape', () => {
  test('is what the others are made from: read, and the same when it is read again', () => {
    const bytes = written(withFields({}))
    const manifest = verifyManifest(sodium, bytes)
    expect(manifest).toMatchObject({ accountId, version: 1, notBefore: START, notAfter: START + DAY, recoveryKey: NOTHING, bytes })
    expect(manifest.devices).toEqual([
      { deviceId: 1, signingKey: keys.signing.publicKey, identityKey: keys.identity.publicKey, addedVersion: 1, flags: 1, accept },
    ])
    const input = bytes.slice()
    const read = decodeManifest(sodium, input)
    input.fill(0)
    expect(read).toEqual(manifest)
  })

  test('a field that is a byte shorter or longer, gone, or there twice, is refused', () => {
    const fields = withFields({})
    for (const [at, name] of Object.keys(FIELDS).entries()) {
      const field = fields[at] as Uint8Array
      const put = (...others: Uint8Array[]): Uint8Array => written([...fields.slice(0, at), ...others, ...fields.slice(at + 1)])
      const codes = name === 'suite' ? ['protocol/unsupported-version', 'devices/invalid-manifest'] : ['devices/invalid-manifest', 'protocol/malformed']
      if (field.length > 0) expect(codes, `${name}, shorter`).toContain(refusal(put(field.subarray(1))))
      expect(codes, `${name}, longer`).toContain(refusal(put(Uint8Array.of(...field, 0))))
      expect(codes, `${name}, gone`).toContain(refusal(put()))
      expect(codes, `${name}, twice`).toContain(refusal(put(field, field)))
    }
  })

  test.each<[string, Partial<Record<Name, Uint8Array>>]>([
    ['version 0', { version: u64(0), previous: new Uint8Array(64) }],
    ['version 1 with a previous hash', { previous: new Uint8Array(64) }],
    ['version 2 without one', { version: u64(2) }],
    ['a time that ends when it begins', { notAfter: u64(START) }],
    ['a time of more than 30 days', { notAfter: u64(START + 30 * DAY + 1) }],
    ['no device', { devices: NOTHING }],
    ['device 0', { devices: entry({ id: 0 }) }],
    ['a device from a later version', { devices: entry({ added: 2 }) }],
    ['a device from version 0', { devices: entry({ added: 0 }) }],
    ['an account key of another type', { accountKey: typed(2, account.publicKey) }],
    ['a recovery key of another type', { recovery: typed(2, account.publicKey) }],
    ['a recovery key that is too long', { recovery: typed(1, new Uint8Array(33)) }],
    ['a signing key of another type', { devices: entry({ signing: typed(2, keys.signing.publicKey) }) }],
    ['an identity key of another type', { devices: entry({ identity: typed(1, keys.identity.publicKey) }) }],
  ])('is refused: %s', (_, changes) => {
    expect(refusal(written(withFields(changes), changes.devices === NOTHING ? [] : undefined))).toBe('devices/invalid-manifest')
  })

  test('devices ascend, each is listed once, and there are 32 at most', () => {
    const listed = (...ids: number[]): Uint8Array =>
      written(
        withFields({ devices: concatBytes(...ids.map((id) => entry({ id }))) }),
        ids.map(() => acceptance()),
      )
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)
    for (const ids of [[2, 1], [1, 1], upTo(LIMITS.devicesPerAccount + 1)])
      expect(codeOf(() => decodeManifest(sodium, listed(...ids)))).toBe('devices/invalid-manifest')
    for (const ids of [[1, 2, 0xffffffff], upTo(LIMITS.devicesPerAccount)])
      expect(decodeManifest(sodium, listed(...ids)).devices.map(({ deviceId: id }) => id)).toEqual(ids)
  })

  test('a device accepts with a transcript of 32 bytes or none, once for each device', () => {
    // Read alone, since whatever is there no signature fits.
    for (const length of [1, 31, 33, 64])
      expect(codeOf(() => decodeManifest(sodium, written(withFields({}), [acceptance(new Uint8Array(length))])))).toBe('devices/invalid-manifest')
    expect(decodeManifest(sodium, written(withFields({}), [acceptance(new Uint8Array(32))])).devices[0]?.accept.transcript).toHaveLength(32)
    for (const acceptances of [[], [acceptance(), acceptance()]]) expect(refusal(written(withFields({}), acceptances))).toBe('devices/invalid-manifest')
  })

  test('is read up to 16 KiB', () => {
    expect(codeOf(() => decodeManifest(sodium, new Uint8Array(LIMITS.manifestBytes)))).toBe('protocol/unsupported-version')
    expect(codeOf(() => decodeManifest(sodium, new Uint8Array(LIMITS.manifestBytes + 1)))).toBe('protocol/too-large')
  })
})
