import { type DeviceId, decodeHandshakeHeader, encodeEnvelopeHeader, joinEnvelope, type KnownEnvelope, parseEnvelope } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { initiate } from '../../src/handshake/initiate.js'
import { verifyPreKeyBundle } from '../../src/identity/bundle.js'
import {
  decryptMessage,
  encodeSession,
  encryptMessage,
  generatePreKeys,
  needsBundle,
  type PreKeyLookup,
  peekEnvelope,
  pruneSessionRecord,
  requiredPreKeys,
} from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { bytesOf, createWorld, DAY, NOTHING, Person, type World } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

let world: World
let alice: Person
let bob: Person
let mallory: Person

beforeEach(() => {
  world = createWorld(sodium)
  alice = new Person(world)
  bob = new Person(world)
  mallory = new Person(world)
})

describe('first message', () => {
  test('needs a bundle, says so, and names what the receiver must load', () => {
    expect(needsBundle(null, { now: world.now })).toBe(true)
    expect(codeOf(() => alice.write(bob, 'x'))).toBe('crypto/no-session')
    const bundle = bob.bundle()
    const { envelope, created, stale } = alice.encrypt(bob, 'hello', { bundle })
    expect({ created, stale }).toEqual({ created: true, stale: false })
    expect(needsBundle(alice.record, { now: world.now })).toBe(false)
    expect(peekEnvelope(envelope)).toMatchObject({
      kind: 'preKeyMessage',
      senderDeviceId: 1,
      recipientDeviceId: 1,
      senderManifest: { version: 1 },
      recipientManifest: { version: 1 },
    })
    expect(requiredPreKeys(envelope)).toEqual({ signedPreKeyId: 1, kemId: 3, oneTimeId: 3 })
    const result = bob.decrypt(alice, envelope)
    expect(result).toMatchObject({ created: true, consumed: { oneTimePreKeyId: 3 }, franking: null })
    const answer = bob.write(alice, 'hi')
    expect(peekEnvelope(answer)).toEqual({ kind: 'message' })
    expect(requiredPreKeys(answer)).toBeNull()
    alice.read(bob, answer)
    expect(peekEnvelope(alice.write(bob, 'again'))).toEqual({ kind: 'message' })
  })

  test('without a one-time pair the last-resort key serves and nothing is consumed', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle({ withOneTime: false }) })
    expect(requiredPreKeys(envelope)).toEqual({ signedPreKeyId: 1, kemId: 2 })
    expect(bob.decrypt(alice, envelope).consumed).toEqual({})
  })

  test('both sides echo the manifests they know', () => {
    const { echo } = bob.decrypt(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
    expect(echo.sender).toEqual({ version: 1, hash: alice.manifest.hash.subarray(0, 32) })
    expect(echo.recipient).toEqual({ version: 1, hash: bob.manifest.hash.subarray(0, 32) })
  })

  test('is for one device only: another person cannot open it, nor pass it off as their own', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
    expect(codeOf(() => mallory.decrypt(alice, envelope))).toBe('crypto/authentication-failed')
    expect(codeOf(() => bob.decrypt(mallory, envelope))).toBe('crypto/authentication-failed')
    expect(bob.read(alice, envelope)).toBe('hello')
  })

  test('with an expired prekey it is allowed and flagged', () => {
    world.now += 31 * DAY
    expect(alice.encrypt(bob, 'hello', { bundle: bob.bundle() }).stale).toBe(true)
  })

  test('a session with oneself is refused, with another device of the account it is not', () => {
    expect(codeOf(() => alice.write(alice, 'x', { bundle: alice.bundle() }))).toBe('client/invalid-argument')
    const own = { accountId: alice.accountId, deviceId: 2 as DeviceId, deviceKeys: bob.keys }
    const { signed, lastResort } = generatePreKeys(world.deps(), { ...own, firstKeyId: 1, count: 0 })
    const { signing, identity } = bob.keys
    const remote = { ...alice.remote(), deviceId: own.deviceId, signingKey: signing.publicKey, identityKey: identity.publicKey }
    const bundle = { signed: signed.public, lastResort: lastResort.public }
    const sent = encryptMessage(world.deps(), { record: null, local: alice.local(), remote, bundle, plaintext: { common: bytesOf('x') } })
    expect(peekEnvelope(sent.envelope)).toMatchObject({ senderDeviceId: 1, recipientDeviceId: 2 })
  })

  test('of or for another device it is refused before any prekey is looked for: nobody heals what was never for them', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
    const read = (changes: Partial<Parameters<typeof decryptMessage>[1]>) =>
      codeOf(() => decryptMessage(world.deps(), { record: null, local: bob.local(), remote: alice.remote(), envelope, ...changes }))
    expect(read({})).toBe('crypto/unknown-prekey')
    expect(read({ local: { ...bob.local(), deviceId: 2 as DeviceId } })).toBe('crypto/authentication-failed')
    expect(read({ remote: { ...alice.remote(), deviceId: 2 as DeviceId } })).toBe('crypto/authentication-failed')
  })

  test('is opened with the very prekeys that it names, or with none', () => {
    for (const withOneTime of [true, false]) {
      alice.record = null
      const envelope = alice.write(bob, 'hello', { bundle: bob.bundle({ withOneTime }) })
      const { signed, kem } = bob.lookup(envelope) as { signed: Uint8Array; kem: Uint8Array }
      const next = generatePreKeys(world.deps(), { accountId: bob.accountId, deviceId: bob.deviceId, deviceKeys: bob.keys, firstKeyId: 20, count: 1 })
      const oneTime = next.oneTime[0]?.private as Uint8Array
      const read = (preKeys: PreKeyLookup) =>
        codeOf(() => decryptMessage(world.deps(), { record: null, local: bob.local(), remote: alice.remote(), envelope, preKeys }))
      const others: PreKeyLookup[] = [{ kem }, { signed }, { signed: next.signed.private, kem }, { signed: kem, kem }, { signed, kem: signed }]
      // Of another kind, under the very number.
      const { kemId } = requiredPreKeys(envelope) as NonNullable<ReturnType<typeof requiredPreKeys>>
      const same = generatePreKeys(world.deps(), { accountId: bob.accountId, deviceId: bob.deviceId, deviceKeys: bob.keys, firstKeyId: kemId, count: 0 })
      others.push({ signed, kem: same.signed.private }, { signed, kem: oneTime }, { signed, kem: next.lastResort.private })
      for (const preKeys of others) expect(read(preKeys)).toBe('crypto/unknown-prekey')
      expect(bob.read(alice, envelope)).toBe('hello')
      bob.record = null
    }
  })
})

describe('replay', () => {
  const forget = (person: Person): void => {
    person.record = person.record && { ...person.record, sessions: [] }
  }

  test('with a one-time pair: a duplicate while the session lives, an unknown prekey afterwards', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
    bob.read(alice, envelope)
    expect(codeOf(() => bob.decrypt(alice, envelope))).toBe('crypto/duplicate-message')
    forget(bob)
    expect(codeOf(() => bob.decrypt(alice, envelope))).toBe('crypto/unknown-prekey')
  })

  test('without one: the handshake is remembered until its prekeys are deleted', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle({ withOneTime: false }) })
    bob.read(alice, envelope)
    expect(codeOf(() => bob.decrypt(alice, envelope))).toBe('crypto/duplicate-message')
    forget(bob)
    expect(codeOf(() => bob.decrypt(alice, envelope))).toBe('crypto/replayed-handshake')
    const kept = pruneSessionRecord(bob.record as NonNullable<Person['record']>, { now: world.now, livePreKeyIds: new Set([1, 2]) })
    expect(kept.seen).toHaveLength(1)
    const pruned = pruneSessionRecord(kept, { now: world.now, livePreKeyIds: new Set([7, 8]) })
    expect(pruned.seen).toEqual([])
    bob.record = pruned
    bob.privateKeys.clear()
    expect(codeOf(() => bob.decrypt(alice, envelope))).toBe('crypto/unknown-prekey')
  })

  test('a failed first message consumes nothing: the true one still works', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
    const forged = envelope.slice()
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1
    expect(codeOf(() => bob.decrypt(alice, forged))).toBe('crypto/authentication-failed')
    expect(bob.record).toBeNull()
    expect(bob.privateKeys.has(3)).toBe(true)
    expect(bob.read(alice, envelope)).toBe('hello')
  })

  test('memory is bounded: the 257th handshake without a one-time pair is refused', () => {
    for (let i = 0; i < 256; i++) bob.decrypt(alice, alice.write(bob, 'x', { newSession: true, bundle: bob.bundle({ withOneTime: false }) }))
    const next = alice.write(bob, 'x', { newSession: true, bundle: bob.bundle({ withOneTime: false }) })
    expect(codeOf(() => bob.decrypt(alice, next))).toBe('crypto/limit-exceeded')
    expect(bob.read(alice, alice.write(bob, 'y', { newSession: true, bundle: bob.bundle() }))).toBe('y')
  })
})

describe('bundle', () => {
  const start = (bundle: Parameters<Person['write']>[2]) => codeOf(() => alice.write(bob, 'x', bundle))

  test('every byte of every part is covered by the signature or refused', () => {
    const bundle = bob.bundle()
    for (const part of ['signed', 'oneTime'] as const) {
      const original = bundle[part] as Uint8Array
      for (let i = 0; i < original.length; i += i < 160 ? 1 : 37) {
        const changed = original.slice()
        changed[i] = (changed[i] as number) ^ 0x10
        expect(['prekeys/invalid-bundle', 'protocol/malformed', 'protocol/unsupported-version'], `${part} byte ${i}`).toContain(
          start({ bundle: { ...bundle, [part]: changed } }),
        )
      }
    }
    expect(alice.record).toBeNull()
  })

  test('prekeys of another person, device or kind are refused', () => {
    const own = bob.bundle()
    const foreign = mallory.bundle()
    expect(start({ bundle: { ...own, signed: foreign.signed } })).toBe('prekeys/invalid-bundle')
    expect(start({ bundle: { ...own, oneTime: foreign.oneTime as Uint8Array } })).toBe('prekeys/invalid-bundle')
    expect(start({ bundle: { ...own, signed: own.lastResort } })).toBe('prekeys/invalid-bundle')
    expect(start({ bundle: { ...own, oneTime: own.lastResort } })).toBe('prekeys/invalid-bundle')
    expect(start({ bundle: { signed: own.signed, lastResort: own.oneTime as Uint8Array } })).toBe('prekeys/invalid-bundle')
    const second = generatePreKeys(world.deps(), { accountId: bob.accountId, deviceId: 2 as DeviceId, deviceKeys: bob.keys, firstKeyId: 1, count: 1 })
    expect(start({ bundle: { ...own, signed: second.signed.public } })).toBe('prekeys/invalid-bundle')
  })

  test('is stale from the millisecond after the end of either of its two keys', () => {
    const own = bob.bundle()
    const end = world.now + 30 * DAY
    world.now += DAY
    const later = generatePreKeys(world.deps(), { accountId: bob.accountId, deviceId: bob.deviceId, deviceKeys: bob.keys, firstKeyId: 10, count: 1 })
    const newer = { signed: later.signed.public, oneTime: later.oneTime[0]?.public as Uint8Array }
    const stale = (bundle: Partial<typeof own>, now: number) => verifyPreKeyBundle(sodium, { remote: bob.remote(), bundle: { ...own, ...bundle }, now }).stale
    expect([stale({}, end), stale({}, end + 1)]).toEqual([false, true])
    expect([stale({ signed: newer.signed }, end + 1), stale({ oneTime: newer.oneTime }, end + 1), stale(newer, end + 1)]).toEqual([true, true, false])
  })

  test('truncated or empty parts are refused', () => {
    const own = bob.bundle()
    for (const length of [0, 1, 63, 64, 65, own.signed.length - 1]) {
      expect(['prekeys/invalid-bundle', 'protocol/malformed']).toContain(start({ bundle: { ...own, signed: own.signed.subarray(0, length) } }))
    }
  })
})

test('attack 10: another KEM key with the same shared secret gives other session keys', () => {
  const encapsulated = { ciphertext: world.random(1088), sharedSecret: world.random(32) }
  const own = verifyPreKeyBundle(sodium, { remote: bob.remote(), bundle: bob.bundle(), now: world.now })
  const start = (kemKey: Uint8Array) => {
    // The same draws in both handshakes, so that the KEM key is all that differs.
    const deps = { provider: { ...sodium, mlkem768Encapsulate: () => encapsulated }, random: seededRandom(10), now: world.now }
    return initiate(deps, { local: alice.local(), remote: bob.remote(), bundle: { ...own, kemKey }, generation: 0 })
  }
  const [one, again, other] = [start(own.kemKey), start(own.kemKey), start(sodium.mlkem768KeyPair(world.random(64)).publicKey)]
  expect(again.rootKey.expose()).toEqual(one.rootKey.expose())
  expect(other.headerBytes).toEqual(one.headerBytes)
  expect(other.rootKey.expose()).not.toEqual(one.rootKey.expose())
})

describe('manifests named by the handshake', () => {
  test('a newer one of the sender has to be fetched first', () => {
    const old = alice.manifest
    alice.renew()
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
    const renewed = alice.manifest
    alice.manifest = old
    expect(codeOf(() => bob.decrypt(alice, envelope))).toBe('devices/stale-manifest')
    alice.manifest = renewed
    expect(bob.read(alice, envelope)).toBe('hello')
  })

  test('an older one is accepted after a renewal, on both sides', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
    alice.renew()
    bob.renew()
    expect(bob.read(alice, envelope)).toBe('hello')
    expect(alice.read(bob, bob.write(alice, 'hi'))).toBe('hi')
  })

  test('another content for a version that we remember is a fork', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
    const first = bob.manifest.hash
    bob.renew()
    const decryptWith = (past: Uint8Array) => () => {
      const local = { ...bob.local(), pastManifestHash: () => past }
      return decryptWithLocal(local, envelope)
    }
    expect(codeOf(decryptWith(new Uint8Array(64)))).toBe('devices/manifest-fork')
    expect(bob.record).toBeNull()
    expect(decryptWith(first)().created).toBe(true)
  })

  test('another content for the current version is a fork, on either side', () => {
    const other = new Person(world)
    const shown = { ...bob.manifest, hash: other.manifest.hash }
    const real = bob.manifest
    bob.manifest = shown
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
    bob.manifest = real
    expect(codeOf(() => bob.decrypt(alice, envelope))).toBe('devices/manifest-fork')
    alice.record = null
    const second = alice.write(bob, 'hello', { bundle: bob.bundle() })
    alice.manifest = { ...alice.manifest, hash: other.manifest.hash }
    expect(codeOf(() => bob.decrypt(alice, second))).toBe('devices/manifest-fork')
  })

  test('a made-up claim is no fork: it is not authentic', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
    envelope[4 + 16] = (envelope[4 + 16] as number) ^ 1
    expect(codeOf(() => bob.decrypt(alice, envelope))).toBe('crypto/authentication-failed')
  })

  function decryptWithLocal(local: ReturnType<Person['local']>, envelope: Uint8Array) {
    const saved = bob.local
    bob.local = () => local
    try {
      return bob.tryDecrypt(alice, envelope)
    } finally {
      bob.local = saved
    }
  }
})

test('a first message with a PREVIOUS chain is refused before any ratchet step: nothing can have come before', () => {
  const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
  const parsed = parseEnvelope(envelope) as KnownEnvelope
  expect(decodeHandshakeHeader(parsed.handshakeBytes).generation).toBe(0)
  const header = encodeEnvelopeHeader({ ...parsed.ratchet, previousChainLength: 1 }, parsed.handshakeBytes)
  expect(codeOf(() => bob.decrypt(alice, joinEnvelope(header, parsed.keyCommitment, parsed.ciphertext)))).toBe('crypto/authentication-failed')
  expect(bob.record).toBeNull()
})

test('a changed identity is never encrypted to on its own', () => {
  bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
  const impostor = new Person(world)
  const before = encodeSession(alice.record as NonNullable<Person['record']>)
  const attempt = () =>
    encryptMessage(world.deps(), {
      record: alice.record,
      local: alice.local(),
      remote: { ...impostor.remote(), accountId: bob.accountId },
      plaintext: { common: bytesOf('x'), perSession: NOTHING },
    })
  expect(codeOf(attempt)).toBe('devices/identity-changed')
  expect(encodeSession(alice.record as NonNullable<Person['record']>)).toEqual(before)
  expect(codeOf(() => bob.decrypt(impostor, alice.write(bob, 'x')))).toBe('devices/identity-changed')
})
