import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { decodeAccountKeys, decodeDeviceKeys, decodeSession, encodeAccountKeys, encodeDeviceKeys, encodeSession } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, Person } from '../support/people.js'
import { sodium } from '../support/providers.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Every optional part present: two sessions, an unacknowledged handshake, a closed chain with skipped keys, a seen handshake. */
function richRecord() {
  const world = createWorld(sodium)
  const alice = new Person(world)
  const bob = new Person(world)
  bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle({ withOneTime: false }) }))
  alice.read(bob, bob.write(alice, 'hi'))
  alice.write(bob, 'skipped')
  bob.read(alice, alice.write(bob, 'x'))
  alice.read(bob, bob.write(alice, 'y'))
  alice.write(bob, 'skipped')
  bob.read(alice, alice.write(bob, 'z'))
  bob.write(alice, 'new', { newSession: true, bundle: alice.bundle() })
  return { world, alice, bob, record: bob.record as NonNullable<Person['record']> }
}

describe('session record', () => {
  const { record } = richRecord()
  const bytes = encodeSession(record)

  test('has every optional part', () => {
    expect(record.sessions.some(({ handshake }) => handshake !== null)).toBe(true)
    expect(record.sessions.some(({ ratchet }) => ratchet.receive.some(({ chainKey, skipped }) => chainKey === null && skipped.length > 0))).toBe(true)
    expect(record.seen).toHaveLength(1)
  })

  test('comes back from its bytes, and the copy is independent of them', () => {
    const input = bytes.slice()
    const decoded = decodeSession(input)
    input.fill(0)
    expect(hex(encodeSession(decoded))).toBe(hex(bytes))
  })

  test('every truncation and any surplus is a typed error', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(['storage/corrupt', 'protocol/unsupported-version']).toContain(codeOf(() => decodeSession(bytes.subarray(0, length))))
    }
    expect(codeOf(() => decodeSession(new Uint8Array([...bytes, 0])))).toBe('storage/corrupt')
  })

  test('a changed byte gives a typed error or a record that encodes to exactly those bytes', () => {
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.slice()
      changed[i] = (changed[i] as number) ^ 0x41
      let again: string
      try {
        again = hex(encodeSession(decodeSession(changed)))
      } catch {
        expect(['storage/corrupt', 'protocol/unsupported-version'], `byte ${i}`).toContain(codeOf(() => decodeSession(changed)))
        continue
      }
      expect(again, `byte ${i}`).toBe(hex(changed))
    }
  })

  test('another version is said to be one', () => {
    const changed = bytes.slice()
    changed[0] = 3
    expect(codeOf(() => decodeSession(changed))).toBe('protocol/unsupported-version')
  })
})

describe('key records', () => {
  const { alice } = richRecord()

  test('account and device keys come back and still sign and agree', () => {
    const account = decodeAccountKeys(encodeAccountKeys(alice.account))
    const device = decodeDeviceKeys(encodeDeviceKeys(alice.keys))
    const message = new Uint8Array([1, 2, 3])
    expect(sodium.ed25519Verify(sodium.ed25519Sign(account.secretKey.expose(), message), message, alice.account.publicKey)).toBe(true)
    expect(sodium.ed25519Verify(sodium.ed25519Sign(device.signing.secretKey.expose(), message), message, alice.keys.signing.publicKey)).toBe(true)
    expect(sodium.x25519PublicKey(device.identity.secretKey.expose())).toEqual(alice.keys.identity.publicKey)
  })

  test('one kind is not read as the other, and damage is typed', () => {
    expect(codeOf(() => decodeAccountKeys(encodeDeviceKeys(alice.keys)))).toBe('storage/corrupt')
    expect(codeOf(() => decodeDeviceKeys(encodeAccountKeys(alice.account)))).toBe('storage/corrupt')
    for (const bytes of [new Uint8Array(0), encodeAccountKeys(alice.account).subarray(0, 50)])
      expect(codeOf(() => decodeAccountKeys(bytes))).toBe('storage/corrupt')
    expect(codeOf(() => decodeAccountKeys(Uint8Array.of(9, 1, 1)))).toBe('protocol/unsupported-version')
  })
})

test('nothing secret is printed: inspect, JSON and text of records and keys', () => {
  const { record, alice, bob } = richRecord()
  const secrets = [alice.account.secretKey, alice.keys.signing.secretKey, alice.keys.identity.secretKey].map((secret) => secret.expose())
  for (const session of record.sessions) {
    secrets.push(session.ratchet.rootKey.expose())
    for (const chain of session.ratchet.receive) {
      if (chain.chainKey) secrets.push(chain.chainKey.expose())
      for (const { messageKey } of chain.skipped) secrets.push(messageKey.expose())
    }
  }
  expect(secrets.length).toBeGreaterThan(6)
  const shown = [record, alice.account, alice.keys, bob.local()]
    .flatMap((value) => [inspect(value, { depth: 20, showHidden: true, maxArrayLength: null }), JSON.stringify(value), String(value)])
    .join('\n')
  expect(shown).toContain('[secret]')
  for (const secret of secrets) {
    const numbers = [...secret.subarray(0, 8)]
    expect(shown).not.toContain(numbers.join(', '))
    expect(shown).not.toContain(numbers.map((value, i) => `"${i}":${value}`).join(','))
    expect(shown).not.toContain(hex(secret.subarray(0, 8)))
  }
})
