import { LIMITS } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { acknowledgementDue, decodeSession, dropSessions, encodeSession, needsBundle, pruneSessionRecord, sendingSession } from '../../src/index.js'
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

const chosen = (person: Person): string => Buffer.from(sendingSession(person.record as NonNullable<Person['record']>)?.ratchet.th ?? []).toString('hex')
const record = (person: Person) => person.record as NonNullable<Person['record']>

describe('both write first', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('they agree on one session within two round trips (seed %i)', (seed) => {
    world = createWorld(sodium, seed)
    alice = new Person(world)
    bob = new Person(world)
    const fromAlice = alice.write(bob, 'a', { bundle: bob.bundle() })
    const fromBob = bob.write(alice, 'b', { bundle: alice.bundle() })
    expect(bob.read(alice, fromAlice)).toBe('a')
    expect(alice.read(bob, fromBob)).toBe('b')
    for (let trip = 0; trip < 2; trip++) {
      const [a, b] = [alice.write(bob, `a${trip}`), bob.write(alice, `b${trip}`)]
      expect(bob.read(alice, a)).toBe(`a${trip}`)
      expect(alice.read(bob, b)).toBe(`b${trip}`)
    }
    expect(chosen(alice)).toBe(chosen(bob))
    expect(alice.record?.sessions).toHaveLength(2)
  })

  /** Both sessions are known to both sides, and `late` is a message that Alice sent on her own before she knew of Bob's. */
  function crossed(seed: number): { late: Uint8Array } {
    world = createWorld(sodium, seed)
    alice = new Person(world)
    bob = new Person(world)
    const fromAlice = alice.write(bob, 'a', { bundle: bob.bundle() })
    const late = alice.write(bob, 'late')
    const fromBob = bob.write(alice, 'b', { bundle: alice.bundle() })
    bob.read(alice, fromAlice)
    alice.read(bob, fromBob)
    for (let trip = 0; trip < 2; trip++) {
      const [a, b] = [alice.write(bob, 'x'), bob.write(alice, 'y')]
      bob.read(alice, a)
      alice.read(bob, b)
    }
    return { late }
  }

  test('messages on the superseded session are still read; it is erased 14 days after the last of them', () => {
    // A seed with which Bob's session has the smaller th, so that Alice's is superseded.
    let seed = 1
    let { late } = crossed(seed)
    while (sendingSession(record(bob))?.role !== 'initiator') late = crossed(++seed).late
    world.now += 10 * DAY
    expect(bob.read(alice, late)).toBe('late')
    expect(record(bob).sessions.map(({ supersededAt }) => supersededAt)).toEqual([0, world.now])
    world.now += 14 * DAY
    bob.read(alice, alice.write(bob, 'on'))
    expect(record(bob).sessions).toHaveLength(2)
    world.now += 1
    bob.read(alice, alice.write(bob, 'on'))
    expect(record(bob).sessions).toHaveLength(1)
    expect(chosen(alice)).toBe(chosen(bob))
  })
})

describe('healing', () => {
  function acquaint(): void {
    bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
    alice.read(bob, bob.write(alice, 'hi'))
  }

  test('a device that lost its sessions answers in the next generation, and both send there', () => {
    acquaint()
    const lost = alice.write(bob, 'lost')
    bob.record = dropSessions(record(bob))
    expect(codeOf(() => bob.decrypt(alice, lost))).toBe('crypto/no-session')
    expect(needsBundle(bob.record, { now: world.now })).toBe(true)
    // Alice heals: her sessions are still there, so it is the next generation.
    const fresh = alice.write(bob, 'again', { newSession: true, bundle: bob.bundle() })
    expect(bob.read(alice, fresh)).toBe('again')
    expect(alice.read(bob, bob.write(alice, 'thanks'))).toBe('thanks')
    expect(record(alice).sessions.map(({ generation }) => generation)).toEqual([1, 0])
    expect(chosen(alice)).toBe(chosen(bob))
    expect(record(alice).sessions[1]?.supersededAt).toBe(world.now)
  })

  test('the device that lost its sessions remembers their generation and heals with the next', () => {
    acquaint()
    bob.record = dropSessions(record(bob))
    expect(alice.read(bob, bob.write(alice, 'back', { bundle: alice.bundle() }))).toBe('back')
    expect(bob.read(alice, alice.write(bob, 'good'))).toBe('good')
    expect(chosen(alice)).toBe(chosen(bob))
  })

  test('generations only count up, and at most five sessions are kept', () => {
    acquaint()
    for (let i = 1; i <= 7; i++) {
      bob.read(alice, alice.write(bob, 'x', { newSession: true, bundle: bob.bundle({ withOneTime: false }) }))
      alice.read(bob, bob.write(alice, 'y'))
      expect(sendingSession(record(alice))?.generation).toBe(i)
    }
    expect(record(alice).sessions.map(({ generation }) => generation)).toEqual([7, 6, 5, 4, 3])
    expect(record(bob).sessions).toHaveLength(LIMITS.sessionsPerPair)
  })

  test('a lower generation that arrives late is read, but not sent on', () => {
    const first = alice.write(bob, 'first', { bundle: bob.bundle() })
    const second = alice.write(bob, 'second', { newSession: true, bundle: bob.bundle() })
    expect(bob.read(alice, second)).toBe('second')
    expect(bob.read(alice, first)).toBe('first')
    expect(sendingSession(record(bob))?.generation).toBe(1)
  })
})

describe('time', () => {
  test('a session that nobody answered expires after 30 days', () => {
    alice.write(bob, 'hello', { bundle: bob.bundle() })
    world.now += 30 * DAY
    expect(needsBundle(alice.record, { now: world.now })).toBe(false)
    world.now += 1
    expect(needsBundle(alice.record, { now: world.now })).toBe(true)
    expect(codeOf(() => alice.write(bob, 'x'))).toBe('crypto/no-session')
    expect(pruneSessionRecord(record(alice), { now: world.now, livePreKeyIds: new Set() }).sessions).toEqual([])
  })

  test.each([1, 2, 3, 4])('after such an expiry the next session replaces the one that the peer still has (seed %i)', (seed) => {
    world = createWorld(sodium, seed)
    alice = new Person(world)
    bob = new Person(world)
    expect(bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))).toBe('hello')
    bob.write(alice, 'lost')
    world.now += 31 * DAY
    alice.record = decodeSession(encodeSession(pruneSessionRecord(record(alice), { now: world.now, livePreKeyIds: new Set() })))
    expect(bob.read(alice, alice.write(bob, 'again', { bundle: bob.bundle() }))).toBe('again')
    expect(sendingSession(record(alice))?.generation).toBe(1)
    expect(alice.read(bob, bob.write(alice, 'at last'))).toBe('at last')
  })

  test('an acknowledged session does not expire while it is the preferred one', () => {
    bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
    alice.read(bob, bob.write(alice, 'hi'))
    world.now += 400 * DAY
    expect(bob.read(alice, alice.write(bob, 'a year later'))).toBe('a year later')
  })

  test('a new session is to be acknowledged at once, then after 50 messages, or 24 h after two', () => {
    bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
    expect(acknowledgementDue(record(bob), world.now)).toBe(true)
    expect(acknowledgementDue(record(alice), world.now)).toBe(false)
    alice.read(bob, bob.write(alice, ''))
    expect(acknowledgementDue(record(bob), world.now)).toBe(false)
    // The acknowledgement itself asks for none, however long it takes: two idle devices stay quiet.
    expect(acknowledgementDue(record(alice), world.now + 100 * DAY)).toBe(false)
    bob.read(alice, alice.write(bob, '1'))
    expect(acknowledgementDue(record(bob), world.now + 2 * DAY)).toBe(false)
    bob.read(alice, alice.write(bob, '2'))
    expect(acknowledgementDue(record(bob), world.now)).toBe(false)
    expect(acknowledgementDue(record(bob), world.now + DAY)).toBe(true)
    for (let i = 3; i <= 50; i++) bob.read(alice, alice.write(bob, `${i}`))
    expect(acknowledgementDue(record(bob), world.now)).toBe(true)
    bob.write(alice, '')
    expect(acknowledgementDue(record(bob), world.now)).toBe(false)
  })
})
