import { LIMITS } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeSession } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, Person, type World } from '../support/people.js'
import { sodium } from '../support/providers.js'

let world: World
let alice: Person
let bob: Person

beforeEach(() => {
  world = createWorld(sodium)
  alice = new Person(world)
  bob = new Person(world)
})

/** Both have an acknowledged session, and Alice is to start a new chain. */
function acquaint(): void {
  bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
  alice.read(bob, bob.write(alice, 'hi'))
}

const recordBytes = (person: Person): string => Buffer.from(encodeSession(person.record as NonNullable<Person['record']>)).toString('hex')
const writeMany = (from: Person, to: Person, count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => from.write(to, `m${i}`))

describe('out of order', () => {
  test('messages of one chain in any order, each once', () => {
    acquaint()
    const envelopes = writeMany(alice, bob, 6)
    for (const i of [5, 0, 3, 1, 4, 2]) expect(bob.read(alice, envelopes[i] as Uint8Array)).toBe(`m${i}`)
    for (const envelope of envelopes) expect(codeOf(() => bob.decrypt(alice, envelope))).toBe('crypto/duplicate-message')
  })

  test('the first messages of a session in any order: each carries the handshake', () => {
    const envelopes = [alice.write(bob, 'm0', { bundle: bob.bundle() }), alice.write(bob, 'm1'), alice.write(bob, 'm2')]
    expect(bob.decrypt(alice, envelopes[2] as Uint8Array).created).toBe(true)
    expect(bob.decrypt(alice, envelopes[0] as Uint8Array).created).toBe(false)
    expect(bob.read(alice, envelopes[1] as Uint8Array)).toBe('m1')
    expect(bob.record?.sessions).toHaveLength(1)
  })

  test('messages of an old chain after two turns of the ratchet', () => {
    acquaint()
    const [late, intime, lost] = writeMany(alice, bob, 3) as [Uint8Array, Uint8Array, Uint8Array]
    expect(bob.read(alice, intime)).toBe('m1')
    for (let i = 0; i < 2; i++) {
      alice.read(bob, bob.write(alice, 'turn'))
      bob.read(alice, alice.write(bob, 'turn'))
    }
    expect(bob.read(alice, late)).toBe('m0')
    expect(bob.read(alice, lost)).toBe('m2')
    expect(codeOf(() => bob.decrypt(alice, lost))).toBe('crypto/duplicate-message')
  })

  test('a lost message of a chain that fell out of the last five is refused, and the session goes on', () => {
    acquaint()
    const late = alice.write(bob, 'late')
    for (let i = 0; i < LIMITS.receiveChains + 1; i++) {
      bob.read(alice, alice.write(bob, 'turn'))
      alice.read(bob, bob.write(alice, 'turn'))
    }
    expect(bob.record?.sessions[0]?.ratchet.receive).toHaveLength(LIMITS.receiveChains)
    const before = recordBytes(bob)
    expect(codeOf(() => bob.decrypt(alice, late))).toBe('crypto/authentication-failed')
    expect(recordBytes(bob)).toBe(before)
    expect(bob.read(alice, alice.write(bob, 'on'))).toBe('on')
  })
})

describe('limits', () => {
  test(`a jump of ${LIMITS.ratchetJump} is allowed, one more is refused without a change`, () => {
    acquaint()
    bob.read(alice, alice.write(bob, 'start'))
    const envelopes = writeMany(alice, bob, LIMITS.ratchetJump + 2)
    const before = recordBytes(bob)
    expect(codeOf(() => bob.decrypt(alice, envelopes.at(-1) as Uint8Array))).toBe('crypto/limit-exceeded')
    expect(recordBytes(bob)).toBe(before)
    expect(bob.read(alice, envelopes.at(-2) as Uint8Array)).toBe(`m${LIMITS.ratchetJump}`)
    expect(bob.read(alice, envelopes.at(-1) as Uint8Array)).toBe(`m${LIMITS.ratchetJump + 1}`)
  })

  test(`never more than ${LIMITS.skippedKeys} skipped keys; the newest are kept`, () => {
    acquaint()
    const chains: Uint8Array[][] = []
    for (let i = 0; i < 3; i++) {
      const chain = writeMany(alice, bob, 900)
      chains.push(chain)
      bob.read(alice, chain.at(-1) as Uint8Array)
      alice.read(bob, bob.write(alice, 'turn'))
    }
    const stored = bob.record?.sessions[0]?.ratchet.receive.reduce((sum, { skipped }) => sum + skipped.length, 0)
    expect(stored).toBe(LIMITS.skippedKeys)
    expect(codeOf(() => bob.decrypt(alice, chains[0]?.[0] as Uint8Array))).toBe('crypto/duplicate-message')
    expect(bob.read(alice, chains[0]?.[898] as Uint8Array)).toBe('m898')
    expect(bob.read(alice, chains[2]?.[0] as Uint8Array)).toBe('m0')
  })

  test('skipped keys are erased after 14 days', () => {
    acquaint()
    const [late, next, after] = writeMany(alice, bob, 3) as [Uint8Array, Uint8Array, Uint8Array]
    bob.read(alice, next)
    world.now += LIMITS.skippedKeyDays * DAY + 1
    bob.read(alice, after)
    expect(bob.record?.sessions[0]?.ratchet.receive[0]?.skipped).toEqual([])
    expect(codeOf(() => bob.decrypt(alice, late))).toBe('crypto/duplicate-message')
  })
})

test('a restart between any two steps changes nothing: the record goes through its bytes', async () => {
  const { decodeSession } = await import('../../src/index.js')
  acquaint()
  for (let i = 0; i < 4; i++) {
    for (const person of [alice, bob]) person.record = decodeSession(encodeSession(person.record as NonNullable<Person['record']>))
    const [skipped, envelope] = writeMany(alice, bob, 2) as [Uint8Array, Uint8Array]
    expect(bob.read(alice, envelope)).toBe('m1')
    for (const person of [alice, bob]) person.record = decodeSession(encodeSession(person.record as NonNullable<Person['record']>))
    expect(bob.read(alice, skipped)).toBe('m0')
    expect(alice.read(bob, bob.write(alice, 'back'))).toBe('back')
  }
})
