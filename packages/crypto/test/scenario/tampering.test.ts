import { type DeviceId, parseEnvelope } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { decryptMessage, encodeSession } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, Person } from '../support/people.js'
import { sodium } from '../support/providers.js'

/** What an altered envelope may give; duplicate-message comes from a counter that was used before. */
const REFUSALS = [
  'crypto/authentication-failed',
  'crypto/invalid-key',
  'crypto/limit-exceeded',
  'crypto/duplicate-message',
  'crypto/no-session',
  'crypto/unknown-prekey',
  'devices/stale-manifest',
  'protocol/malformed',
  'protocol/unsupported-version',
]

/** `stride` > 1 leaves out bytes inside the KEM ciphertext, where one byte is like another. */
function attack(bob: Person, alice: Person, { envelope, stride = 1 }: { envelope: Uint8Array; stride?: number }): void {
  const before = bob.record && Buffer.from(encodeSession(bob.record)).toString('hex')
  const prekeys = [...bob.privateKeys].map(([id, key]) => [id, Buffer.from(key).toString('hex')])
  const parsed = parseEnvelope(envelope)
  const headerLength = parsed.kind === 'unknown' ? 0 : parsed.header.length
  for (let i = 0; i < envelope.length; i++) {
    // Every header and commitment byte; the ciphertext in steps, since Poly1305 does not care which.
    if (i > headerLength + 40 && i % 29 !== 0) continue
    if (i > 140 && i < headerLength - 80 && i % stride !== 0) continue
    for (const bit of i < headerLength && i % 8 === 0 ? [0x01, 0x80] : [0x01]) {
      const changed = envelope.slice()
      changed[i] = (changed[i] as number) ^ bit
      expect(REFUSALS, `byte ${i}`).toContain(codeOf(() => bob.decrypt(alice, changed)))
    }
  }
  for (let length = 0; length < envelope.length; length += length < 200 ? 1 : 31) {
    expect(REFUSALS, `length ${length}`).toContain(codeOf(() => bob.decrypt(alice, envelope.subarray(0, length))))
  }
  expect(codeOf(() => bob.decrypt(alice, new Uint8Array([...envelope, 0])))).toBe('crypto/authentication-failed')
  expect(bob.record && Buffer.from(encodeSession(bob.record)).toString('hex')).toBe(before)
  expect([...bob.privateKeys].map(([id, key]) => [id, Buffer.from(key).toString('hex')])).toEqual(prekeys)
  expect(bob.read(alice, envelope)).toBe('secret')
}

describe('an altered envelope is refused and leaves the state byte for byte as it was', () => {
  test.each([true, false])('first message (one-time key: %s)', (withOneTime) => {
    const world = createWorld(sodium)
    const alice = new Person(world)
    const bob = new Person(world)
    attack(bob, alice, { envelope: alice.write(bob, 'secret', { bundle: bob.bundle({ withOneTime }) }), stride: withOneTime ? 1 : 9 })
  })

  test('a further first message of a known session', () => {
    const world = createWorld(sodium)
    const alice = new Person(world)
    const bob = new Person(world)
    bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
    attack(bob, alice, { envelope: alice.write(bob, 'secret') })
  })

  test('a message that brings a new ratchet key, and one in the same chain', () => {
    const world = createWorld(sodium)
    const alice = new Person(world)
    const bob = new Person(world)
    bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
    alice.read(bob, bob.write(alice, 'hi'))
    attack(bob, alice, { envelope: alice.write(bob, 'secret') })
    attack(bob, alice, { envelope: alice.write(bob, 'secret') })
  })

  test('a message whose key was kept', () => {
    const world = createWorld(sodium)
    const alice = new Person(world)
    const bob = new Person(world)
    bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
    const late = alice.write(bob, 'secret')
    bob.read(alice, alice.write(bob, 'next'))
    attack(bob, alice, { envelope: late })
  })
})

test('an envelope belongs to its direction and its pair', () => {
  const world = createWorld(sodium)
  const alice = new Person(world)
  const bob = new Person(world)
  bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
  const own = alice.write(bob, 'x')
  expect(codeOf(() => alice.decrypt(bob, own))).toMatch(/^crypto\/(authentication-failed|unknown-prekey)$/)
  alice.read(bob, bob.write(alice, 'hi'))
  const message = alice.write(bob, 'y')
  expect(codeOf(() => alice.decrypt(bob, message))).toBe('crypto/authentication-failed')
})

test('a message is read only by the account and device that it was written to, as from those that wrote it', () => {
  const world = createWorld(sodium)
  const alice = new Person(world)
  const bob = new Person(world)
  bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
  alice.read(bob, bob.write(alice, 'hi'))
  const envelope = alice.write(bob, 'y')
  const [otherAccount, otherDevice] = [{ accountId: new Person(world).accountId }, { deviceId: 2 as DeviceId }]
  // The session itself is the right one, as in a copied store: only the names of the two ends differ.
  const readAs = (local: object, remote: object) => () =>
    decryptMessage(world.deps(), { record: bob.record, local: { ...bob.local(), ...local }, remote: { ...alice.remote(), ...remote }, envelope, preKeys: {} })
  for (const other of [otherAccount, otherDevice]) {
    expect(codeOf(readAs(other, {})), 'recipient').toBe('crypto/authentication-failed')
    expect(codeOf(readAs({}, other)), 'sender').toBe('crypto/authentication-failed')
  }
  expect(readAs({}, {})().created).toBe(false)
})

test('a low-order or non-canonical ratchet key is refused', () => {
  const world = createWorld(sodium)
  const alice = new Person(world)
  const bob = new Person(world)
  bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
  alice.read(bob, bob.write(alice, 'hi'))
  const envelope = alice.write(bob, 'x')
  const withKey = (key: Uint8Array): Uint8Array => {
    const changed = envelope.slice()
    changed.set(key, 4 + 8)
    return changed
  }
  expect(codeOf(() => bob.decrypt(alice, withKey(new Uint8Array(32))))).toBe('crypto/invalid-key')
  const high = envelope.slice(12, 44)
  high[31] = (high[31] as number) | 0x80
  expect(codeOf(() => bob.decrypt(alice, withKey(high)))).toBe('crypto/invalid-key')
})

test('decryption takes nothing from the random source and does not change its input', () => {
  const world = createWorld(sodium)
  const alice = new Person(world)
  const bob = new Person(world)
  const envelope = alice.write(bob, 'hello', { bundle: bob.bundle() })
  const copy = envelope.slice()
  const preKeys = bob.lookup(envelope)
  const saved = Buffer.from(preKeys.signed as Uint8Array).toString('hex')
  decryptMessage({ provider: sodium, now: world.now }, { record: null, local: bob.local(), remote: alice.remote(), envelope, preKeys })
  expect(envelope).toEqual(copy)
  expect(Buffer.from(preKeys.signed as Uint8Array).toString('hex')).toBe(saved)
})
