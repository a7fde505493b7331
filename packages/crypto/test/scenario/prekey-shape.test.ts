import { concatBytes, idToBytes, LABELS, T, type Timestamp, u32, u64 } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { decodePrivatePreKey } from '../../src/identity/private-prekeys.js'
import { decodePreKey, generateOneTimePreKeys, generatePreKeys, verifyPreKey, verifyPreKeyBundle } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, NOTHING, Person, START } from '../support/people.js'
import { sodium } from '../support/providers.js'

const world = createWorld(sodium, 29)
const bob = new Person(world)
const { accountId, deviceId, keys } = bob
const input = { accountId, deviceId, deviceKeys: keys }
const dhKey = sodium.x25519PublicKey(world.random(32))
const kemKey = sodium.mlkem768KeyPair(world.random(64)).publicKey
const typed = (type: number, key: Uint8Array): Uint8Array => Uint8Array.of(type, ...key)

const FIELDS = {
  suite: Uint8Array.of(1),
  account: idToBytes(accountId),
  device: u32(deviceId),
  type: Uint8Array.of(2),
  keyId: u32(7),
  created: u64(START),
  notAfter: u64(START + 1),
  dh: typed(2, dhKey),
  kem: typed(3, kemKey),
}
type Name = keyof typeof FIELDS

/** A prekey written out and signed by the device, whatever is in it. */
function written(fields: readonly Uint8Array[]): Uint8Array {
  const signed = T(LABELS.prekey, ...fields)
  return concatBytes(signed, sodium.ed25519Sign(keys.signing.secretKey.expose(), signed))
}
const withFields = (changes: Partial<Record<Name, Uint8Array>>): Uint8Array[] => Object.values({ ...FIELDS, ...changes })
const refusal = (bytes: Uint8Array): string => codeOf(() => verifyPreKey(sodium, bytes, bob.remote()))

describe('a signed prekey of another shape', () => {
  test('is what the others are made from: read, and independent of its input', () => {
    const bytes = written(withFields({}))
    const preKey = { type: 'one-time', accountId, deviceId, keyId: 7, created: START, notAfter: START + 1, dhKey, kemKey }
    expect(verifyPreKey(sodium, bytes, bob.remote())).toEqual(preKey)
    const read = decodePreKey(bytes)
    bytes.fill(0)
    expect(read).toEqual(preKey)
  })

  test('a field that is a byte shorter or longer, gone, or there twice, is refused', () => {
    const fields = withFields({})
    for (const [at, name] of Object.keys(FIELDS).entries()) {
      const field = fields[at] as Uint8Array
      const put = (...others: Uint8Array[]): Uint8Array => written([...fields.slice(0, at), ...others, ...fields.slice(at + 1)])
      const codes = name === 'suite' ? ['protocol/unsupported-version', 'prekeys/invalid-bundle'] : ['prekeys/invalid-bundle', 'protocol/malformed']
      expect(codes, `${name}, shorter`).toContain(refusal(put(field.subarray(1))))
      expect(codes, `${name}, longer`).toContain(refusal(put(Uint8Array.of(...field, 0))))
      expect(codes, `${name}, gone`).toContain(refusal(put()))
      expect(codes, `${name}, twice`).toContain(refusal(put(field, field)))
    }
  })

  test.each<[string, Partial<Record<Name, Uint8Array>>]>([
    ['device 0', { device: u32(0) }],
    ['id 0', { keyId: u32(0) }],
    ['a time that ends when it begins', { notAfter: u64(START) }],
    ['type 0', { type: Uint8Array.of(0) }],
    ['type 4', { type: Uint8Array.of(4) }],
    ['type 4 with the keys of a last-resort key', { type: Uint8Array.of(4), dh: NOTHING }],
    ['an X25519 key of another type', { dh: typed(1, dhKey) }],
    ['an ML-KEM key of another type', { kem: typed(2, kemKey) }],
    ['a signed prekey with an ML-KEM key', { type: Uint8Array.of(1) }],
    ['a signed prekey without a key', { type: Uint8Array.of(1), dh: NOTHING, kem: NOTHING }],
    ['a one-time pair without its X25519 key', { dh: NOTHING }],
    ['a one-time pair without its ML-KEM key', { kem: NOTHING }],
    ['a last-resort key with an X25519 key', { type: Uint8Array.of(3) }],
    ['a last-resort key without a key', { type: Uint8Array.of(3), dh: NOTHING, kem: NOTHING }],
  ])('is refused: %s', (_, changes) => {
    expect(refusal(written(withFields(changes)))).toBe('prekeys/invalid-bundle')
  })

  test('each type is read with the keys that belong to it', () => {
    expect(decodePreKey(written(withFields({ type: Uint8Array.of(1), kem: NOTHING })))).toMatchObject({ type: 'signed', dhKey, kemKey: null })
    expect(decodePreKey(written(withFields({ type: Uint8Array.of(3), dh: NOTHING })))).toMatchObject({ type: 'last-resort', dhKey: null, kemKey })
  })

  test('is of the very device that it is looked up for', () => {
    const { accountId: other } = new Person(world)
    expect(refusal(written(withFields({ account: idToBytes(other) })))).toBe('prekeys/invalid-bundle')
    expect(refusal(written(withFields({ device: u32(deviceId + 1) })))).toBe('prekeys/invalid-bundle')
  })

  test('what is no longer than a signature is none', () => {
    for (const length of [0, 63]) expect(codeOf(() => decodePreKey(new Uint8Array(length)))).toBe('prekeys/invalid-bundle')
    expect(codeOf(() => decodePreKey(new Uint8Array(64)))).toBe('protocol/malformed')
  })
})

describe('a bundle', () => {
  const made = generatePreKeys(world.deps(), { ...input, firstKeyId: 60, count: 1 })
  const bundle = { signed: made.signed.public, lastResort: made.lastResort.public, oneTime: made.oneTime[0]?.public ?? null }
  const remote = bob.remote()
  const verified = (changes: Partial<typeof bundle>, now: Timestamp = START) => {
    const { oneTime, ...others } = { ...bundle, ...changes }
    return verifyPreKeyBundle(sodium, { remote, now, bundle: { ...others, ...(oneTime && { oneTime }) } })
  }

  test('uses the one-time pair where there is one, else the last-resort key', () => {
    expect(verified({})).toMatchObject({ signedPreKeyId: 60, kemKeyId: 62, oneTimeKey: decodePreKey(made.oneTime[0]!.public).dhKey, stale: false })
    expect(verified({ oneTime: null })).toMatchObject({ signedPreKeyId: 60, kemKeyId: 61, oneTimeKey: null, stale: false })
  })

  test('has each key in its own place', () => {
    const { signed, lastResort, oneTime } = bundle
    for (const changes of [{ signed: lastResort }, { signed: oneTime! }, { oneTime: lastResort }, { oneTime: signed }, { oneTime: null, lastResort: oneTime! }])
      expect(codeOf(() => verified(changes))).toBe('prekeys/invalid-bundle')
  })

  test('is stale when one of the two keys that are used has become too old, from the next millisecond on', () => {
    const older = generatePreKeys({ ...world.deps(), now: START - DAY }, { ...input, firstKeyId: 80, count: 1 })
    const { notAfter } = decodePreKey(older.signed.public)
    expect(verified({ signed: older.signed.public }, notAfter).stale).toBe(false)
    expect(verified({ signed: older.signed.public }, notAfter + 1).stale).toBe(true)
    expect(verified({ oneTime: older.oneTime[0]!.public }, notAfter + 1).stale).toBe(true)
    expect(verified({ lastResort: older.lastResort.public }, notAfter + 1).stale).toBe(false)
  })
})

describe('ids of prekeys', () => {
  test('are u32, from 1, each used once', () => {
    const made = generatePreKeys(world.deps(), { ...input, firstKeyId: 1, count: 2 })
    expect([made.signed, made.lastResort, ...made.oneTime].map(({ keyId }) => keyId)).toEqual([1, 2, 3, 4])
    expect(made.nextKeyId).toBe(5)
    expect(generateOneTimePreKeys(world.deps(), { ...input, firstKeyId: 0xffffffff, count: 1 }).nextKeyId).toBe(0x1_0000_0000)
    for (const firstKeyId of [0, -1, 1.5, 0x1_0000_0000])
      expect(codeOf(() => generateOneTimePreKeys(world.deps(), { ...input, firstKeyId, count: 1 }))).toBe('client/invalid-argument')
  })
})

describe('stored private prekeys', () => {
  const { signed, lastResort, oneTime } = generatePreKeys(world.deps(), { ...input, firstKeyId: 40, count: 1 })
  const kinds = { signed, 'last-resort': lastResort, 'one-time': oneTime[0] as typeof signed }

  test.each(Object.entries(kinds))('%s: comes back, and no cut, longer or changed record is read', (type, { keyId, public: shown, private: bytes }) => {
    const input = bytes.slice()
    const read = decodePrivatePreKey(input)
    input.fill(0)
    const { dhKey: dh, kemKey: kem } = decodePreKey(shown)
    expect({ type: read.type, keyId: read.keyId }).toEqual({ type, keyId })
    expect(read.dh && sodium.x25519PublicKey(read.dh.secretKey.expose())).toEqual(dh)
    expect(read.dh?.publicKey ?? null).toEqual(dh)
    expect(read.kemSeed && sodium.mlkem768KeyPair(read.kemSeed.expose()).publicKey).toEqual(kem)
    for (let length = 0; length < bytes.length; length++) expect(codeOf(() => decodePrivatePreKey(bytes.subarray(0, length)))).toBe('storage/corrupt')
    expect(codeOf(() => decodePrivatePreKey(concatBytes(bytes, Uint8Array.of(0))))).toBe('storage/corrupt')
    const changed = (at: number, value: number) => codeOf(() => decodePrivatePreKey(bytes.map((byte, i) => (i === at ? value : byte))))
    expect(changed(0, 2)).toBe('protocol/unsupported-version')
    expect(changed(1, 2)).toBe('storage/corrupt')
    for (const code of [0, 4]) expect(changed(2, code)).toBe('storage/corrupt')
  })
})
