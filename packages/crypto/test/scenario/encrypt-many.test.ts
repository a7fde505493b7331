import { expect, test } from 'vitest'
import { encodeSession, encryptMessage, encryptToMany, type SessionRecord } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, NOTHING, Person, START } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const plaintext = { common: new Uint8Array(290).fill(7), perSession: Uint8Array.of(1, 2, 3) }

/** Records of Alice's in every stage of a long conversation, both of whose sides write. */
function stages(alice: Person, bob: Person): SessionRecord[] {
  const records: SessionRecord[] = []
  const note = () => alice.record && records.push(alice.record)
  bob.read(alice, alice.write(bob, 'first', { bundle: bob.bundle() }))
  note()
  for (let turn = 0; turn < 30; turn++) {
    alice.read(bob, bob.write(alice, 'answer'))
    note()
    for (let i = 0; i < 2; i++) bob.read(alice, alice.write(bob, 'more'))
    note()
  }
  return records
}

test.each(providers)('$name: the bytes and the records are those of one message after another', (provider) => {
  const world = createWorld(provider)
  const [alice, bob] = [new Person(world), new Person(world)]
  const [local, remote] = [alice.local(), bob.remote()]
  const records = stages(alice, bob)
  const seen = { handshake: 0, turn: 0, chunk: 0, marked: 0 }
  for (const [i, record] of provider === sodium ? records.entries() : [...records.entries()].filter(([at]) => at < 3 || at % 11 === 0)) {
    const franking = i % 2 === 0 ? { franking: new Uint8Array(32).fill(9) } : {}
    const deps = () => ({ provider, random: seededRandom(i), now: START + i })
    const one = encryptMessage(deps(), { record, local, remote, plaintext, ...franking })
    const [many] = encryptToMany(deps(), { local, plaintext, ...franking, recipients: [{ remote, record }] })
    if (many?.kind !== 'encrypted') throw new Error('refused')
    expect(many.envelope).toEqual(one.envelope)
    expect(encodeSession(many.record)).toEqual(encodeSession(one.record))
    expect([many.created, many.stale, one.created, one.stale]).toEqual([false, false, false, false])
    const session = record.sessions[0]!
    seen.handshake += session.handshake ? 1 : 0
    seen.turn += session.ratchet.send ? 0 : 1
    seen.chunk += ['offering', 'answering'].includes(session.ratchet.pq.phase.kind) ? 1 : 0
    seen.marked += session.ratchet.pq.epoch > 0 ? 1 : 0
  }
  if (provider === sodium) for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
})

test('each of many reads it, in a batch of sessions of every kind, and draws what one after another would', () => {
  const world = createWorld(sodium)
  const alice = new Person(world)
  const peers = Array.from({ length: 5 }, () => new Person(world))
  const parties = peers.map((bob, i) => {
    alice.record = null
    if (i > 0) bob.read(alice, alice.write(bob, 'first', { bundle: bob.bundle() }))
    if (i > 1) alice.read(bob, bob.write(alice, 'answer'))
    if (i > 2) bob.read(alice, alice.write(bob, 'more'))
    return { bob, record: alice.record, bundle: bob.bundle() }
  })
  const recipients = parties.map(({ bob, record, bundle }) => ({ remote: bob.remote(), record, ...(record ? {} : { bundle }) }))
  const deps = { provider: sodium, random: seededRandom(3), now: START }
  const results = encryptToMany(deps, { local: alice.local(), plaintext, recipients })
  const random = seededRandom(3)
  for (const [i, { bob }] of parties.entries()) {
    const result = results[i]!
    if (result.kind !== 'encrypted') throw new Error('refused')
    const one = encryptMessage({ ...deps, random }, { ...recipients[i]!, local: alice.local(), plaintext })
    expect(result.envelope).toEqual(one.envelope)
    expect(encodeSession(result.record)).toEqual(encodeSession(one.record))
    expect(result.created).toBe(i === 0)
    expect(bob.decrypt(alice, result.envelope).plaintext).toEqual(plaintext)
  }
})

test('several sessions with one device are judged as for one message', () => {
  const world = createWorld(sodium)
  const [alice, bob] = [new Person(world), new Person(world)]
  bob.read(alice, alice.write(bob, 'first', { bundle: bob.bundle() }))
  alice.read(bob, bob.write(alice, 'answer'))
  bob.read(alice, alice.write(bob, 'healing', { bundle: bob.bundle(), newSession: true }))
  const record = alice.record!
  expect(record.sessions.length).toBeGreaterThan(1)
  const input = { local: alice.local(), plaintext }
  const deps = () => ({ provider: sodium, random: seededRandom(4), now: START + DAY })
  const one = encryptMessage(deps(), { ...input, record, remote: bob.remote() })
  const [many] = encryptToMany(deps(), { ...input, recipients: [{ remote: bob.remote(), record }] })
  expect(many?.kind === 'encrypted' && encodeSession(many.record)).toEqual(encodeSession(one.record))
})

test('what is refused for one keeps nothing from the others', () => {
  const world = createWorld(sodium)
  const [alice, bob, carol, dave] = [new Person(world), new Person(world), new Person(world), new Person(world)] as const
  bob.read(alice, alice.write(bob, 'first', { bundle: bob.bundle() }))
  const record = alice.record
  const forged = { ...dave.bundle(), signed: carol.bundle().signed }
  const recipients = [
    { remote: carol.remote(), record: null },
    { remote: dave.remote(), record: null, bundle: forged },
    { remote: bob.remote(), record },
    { remote: { ...bob.remote(), accountId: carol.accountId, identityKey: new Uint8Array(32).fill(5), deviceId: 7 as typeof bob.deviceId }, record },
  ]
  const results = encryptToMany(world.deps(), { local: alice.local(), plaintext, recipients })
  expect(results.map((result) => (result.kind === 'refused' ? result.error.code : result.kind))).toEqual([
    'crypto/no-session',
    'prekeys/invalid-bundle',
    'encrypted',
    'devices/identity-changed',
  ])
  const twice = [recipients[2]!, recipients[2]!]
  expect(codeOf(() => encryptToMany(world.deps(), { local: alice.local(), plaintext, recipients: twice }))).toBe('client/invalid-argument')
  const short = { local: alice.local(), plaintext, franking: new Uint8Array(31), recipients: [] }
  expect(codeOf(() => encryptToMany(world.deps(), short))).toBe('client/invalid-argument')
})

test('an envelope above the limit is refused and not cut', () => {
  const world = createWorld(sodium)
  const [alice, bob] = [new Person(world), new Person(world)]
  bob.read(alice, alice.write(bob, 'first', { bundle: bob.bundle() }))
  const large = { common: new Uint8Array(128 * 1024), perSession: NOTHING }
  const [result] = encryptToMany(world.deps(), { local: alice.local(), plaintext: large, recipients: [{ remote: bob.remote(), record: alice.record }] })
  expect(result?.kind === 'refused' && result.error.code).toBe('protocol/too-large')
})

test('a single session that was superseded, and generations that are ahead or behind, are judged as for one message', () => {
  const world = createWorld(sodium)
  const [alice, bob] = [new Person(world), new Person(world)]
  bob.read(alice, alice.write(bob, 'first', { bundle: bob.bundle() }))
  alice.read(bob, bob.write(alice, 'answer'))
  const record = alice.record!
  const [session] = record.sessions
  const changed: SessionRecord[] = [
    { ...record, sessions: [{ ...session!, supersededAt: START }] },
    { ...record, nextGeneration: 20 },
    { ...record, nextGeneration: 0 },
  ]
  for (const [i, one] of changed.entries()) {
    const deps = () => ({ provider: sodium, random: seededRandom(5), now: START + 1 })
    const alone = encryptMessage(deps(), { record: one, local: alice.local(), remote: bob.remote(), plaintext })
    const [many] = encryptToMany(deps(), { local: alice.local(), plaintext, recipients: [{ remote: bob.remote(), record: one }] })
    expect([i, many?.kind === 'encrypted' && encodeSession(many.record)]).toEqual([i, encodeSession(alone.record)])
  }
})

test('a first message among many names the franking commitment as well', () => {
  const world = createWorld(sodium)
  const [alice, bob] = [new Person(world), new Person(world)]
  const franking = new Uint8Array(32).fill(9)
  const [result] = encryptToMany(world.deps(), {
    local: alice.local(),
    plaintext,
    franking,
    recipients: [{ remote: bob.remote(), record: null, bundle: bob.bundle() }],
  })
  if (result?.kind !== 'encrypted') throw new Error('refused')
  expect(result.created).toBe(true)
  expect(bob.decrypt(alice, result.envelope).franking).toEqual(franking)
})

test('what is no refusal but a defect is thrown', () => {
  const world = createWorld(sodium)
  const [alice, bob] = [new Person(world), new Person(world)]
  bob.read(alice, alice.write(bob, 'first', { bundle: bob.bundle() }))
  const provider = {
    ...sodium,
    aeadSeal: () => {
      throw new TypeError('a defect')
    },
  }
  const recipients = [{ remote: bob.remote(), record: alice.record }]
  expect(() => encryptToMany({ ...world.deps(), provider }, { local: alice.local(), plaintext, recipients })).toThrow(TypeError)
})
