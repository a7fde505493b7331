import { type DeviceId, encodeEnvelopeHeader, LABELS, LIMITS, parseEnvelope, SUITE, T, u64 } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { sealCommitting } from '../../src/aead/committing.js'
import {
  acknowledgementDue,
  createRetryRequest,
  dropSessions,
  encodeSession,
  encryptMessage,
  isRetryRequest,
  judgeRetryRequest,
  needsBundle,
  peekEnvelope,
  postQuantumStatus,
  pruneSessionRecord,
  requiredPreKeys,
  type Session,
  type SessionRecord,
  sendingSession,
  sessionTagOf,
  verifyRetryRequest,
} from '../../src/index.js'
import { pad } from '../../src/padding/padding.js'
import { sendStep } from '../../src/ratchet/send.js'
import { associatedData } from '../../src/session/associated-data.js'
import { pieces, plaintextTemplate } from '../../src/session/batch-templates.js'
import { expire, withSession } from '../../src/session/choice.js'
import { decodePlaintext, plaintextLength, writePlaintext } from '../../src/session/plaintext.js'
import { recordFor } from '../../src/session/record.js'
import { PairwiseSender, pairwiseSender } from '../../src/session/sender.js'
import { codeOf } from '../support/codes.js'
import { type Fields, misshapen, written } from '../support/misshapen.js'
import { bytesOf, createWorld, DAY, NOTHING, Person, START, type World } from '../support/people.js'
import { sodium } from '../support/providers.js'

// The rules of sessions one by one, each from both sides.

const HOUR = 3_600_000
let world: World
let alice: Person
let bob: Person
beforeEach(() => {
  world = createWorld(sodium, 17)
  alice = new Person(world)
  bob = new Person(world)
})
const [someone, other] = (() => {
  const aside = createWorld(sodium, 18)
  const [one, two] = [new Person(aside), new Person(aside)]
  two.read(one, one.write(two, 'hello', { bundle: two.bundle() }))
  one.read(two, two.write(one, 'hi'))
  return [one, two] as const
})()
const template = someone.record?.sessions[0] as Session
const filled = (byte: number, length = 64): Uint8Array => new Uint8Array(length).fill(byte)

/** A session that is told from others by the first byte of its th. */
const session = (name: number, changes: Partial<Session> = {}): Session => ({
  ...template,
  acknowledged: true,
  createdAt: START,
  supersededAt: 0,
  generation: 0,
  ...changes,
  ratchet: { ...template.ratchet, th: filled(name), ...changes.ratchet },
})
const recordOf = (...sessions: Session[]): SessionRecord => ({ peer: (someone.record as SessionRecord).peer, nextGeneration: 0, sessions, seen: [] })
const nameOf = (one: Session | null | undefined): number | undefined => one?.ratchet.th[0]

describe('the session that is sent on', () => {
  test.each<[string, Session, Session]>([
    ['a higher generation, though nobody has answered on it', session(9, { generation: 2, acknowledged: false }), session(1, { generation: 1 })],
    ['of one generation an acknowledged one', session(9), session(1, { acknowledged: false })],
    ['of two of one kind the smaller th', session(1), session(9)],
    ['unacknowledged ones alike', session(1, { acknowledged: false }), session(9, { acknowledged: false })],
  ])('is %s', (_, better, worse) => {
    for (const order of [
      [better, worse],
      [worse, better],
    ])
      expect(nameOf(sendingSession(recordOf(...order)))).toBe(nameOf(better))
    expect(withSession(recordOf(worse), better, START).sessions.map(nameOf)).toEqual([nameOf(better), nameOf(worse)])
    expect(withSession(recordOf(better), worse, START).sessions.map(nameOf)).toEqual([nameOf(better), nameOf(worse)])
  })

  test('there may be none', () => {
    expect(sendingSession(recordOf())).toBeNull()
    expect(postQuantumStatus(recordOf(), START)).toBeNull()
    expect(acknowledgementDue(recordOf(), START)).toBe(false)
    expect([needsBundle(null, { now: START }), needsBundle(recordOf(), { now: START }), needsBundle(recordOf(session(1)), { now: START })]).toEqual([
      true,
      true,
      false,
    ])
  })
})

describe('the sessions of a pair', () => {
  const times = (record: SessionRecord): (readonly [number | undefined, number])[] => record.sessions.map((one) => [nameOf(one), one.supersededAt])

  test('live 30 days unanswered, 14 days superseded, and else without end', () => {
    const [unanswered, superseded] = [session(1, { acknowledged: false }), session(2, { supersededAt: START })]
    const alive = (now: number): (number | undefined)[] => expire(recordOf(unanswered, superseded, session(3)), now).sessions.map(nameOf)
    expect(alive(START + 14 * DAY)).toEqual([1, 2, 3])
    expect(alive(START + 14 * DAY + 1)).toEqual([1, 3])
    expect(alive(START + LIMITS.unacknowledgedSessionDays * DAY)).toEqual([1, 3])
    expect(alive(START + LIMITS.unacknowledgedSessionDays * DAY + 1)).toEqual([3])
    const record = recordOf(session(3))
    expect(expire(record, START + 1_000 * DAY)).toBe(record)
  })

  test('are superseded by the preferred acknowledged one, from the last time that they were used', () => {
    const [old, fresh] = [session(2), session(1)]
    expect(times(withSession(recordOf(old), fresh, START + 5))).toEqual([
      [1, 0],
      [2, START + 5],
    ])
    // What was superseded before keeps its time, unless something came on it.
    const before = recordOf(session(1), session(2, { supersededAt: START + 1 }), session(3, { supersededAt: START + 2 }))
    expect(times(withSession(before, session(3, { supersededAt: START + 2 }), START + 9))).toEqual([
      [1, 0],
      [2, START + 1],
      [3, START + 9],
    ])
    // The preferred one is superseded no more, and what nobody has answered never is.
    expect(times(withSession(recordOf(session(1, { supersededAt: START })), session(2, { acknowledged: false }), START + 9))).toEqual([
      [1, 0],
      [2, 0],
    ])
    expect(times(withSession(recordOf(session(1)), session(9, { generation: 1, acknowledged: false }), START + 9))).toEqual([
      [9, 0],
      [1, 0],
    ])
    expect(times(withSession(recordOf(session(2)), session(2, { supersededAt: START }), START + 9))).toEqual([[2, 0]])
  })

  test('are five at most, each th once, and the next generation is above all that there were', () => {
    const five = recordOf(...[2, 3, 4, 5, 6].map((name) => session(name)))
    expect(withSession(five, session(1), START).sessions.map(nameOf)).toEqual([1, 2, 3, 4, 5])
    expect(withSession(five, session(4, { receivedSinceSend: 7 }), START).sessions.find((one) => nameOf(one) === 4)?.receivedSinceSend).toBe(7)
    expect(withSession(five, session(4), START).sessions).toHaveLength(5)
    const next = (nextGeneration: number, generation: number) =>
      withSession({ ...recordOf(), nextGeneration }, session(1, { generation }), START).nextGeneration
    expect([next(0, 0), next(7, 2), next(3, 3), next(3, 5)]).toEqual([1, 7, 4, 6])
    const alone = (nextGeneration: number) => withSession({ ...recordOf(session(1)), nextGeneration }, session(1, { generation: 4 }), START)
    expect([alone(0).nextGeneration, alone(9).nextGeneration, alone(0).sessions.length]).toEqual([5, 9, 1])
    expect(withSession(recordOf(session(1)), session(2), START).sessions).toHaveLength(2)
  })

  test('are swept daily of skipped keys past their time and of handshakes whose prekeys are gone', () => {
    const seen = [
      [1, 2],
      [1, 9],
      [9, 2],
      [9, 9],
    ].map(([signedPreKeyId, kemKeyId]) => ({ signedPreKeyId: signedPreKeyId!, kemKeyId: kemKeyId!, ephemeralKey: filled(1, 32) }))
    const chain = template.ratchet.receive[0]!
    const skipped = [{ counter: 0, messageKey: template.ratchet.rootKey, storedAt: START }]
    const holding = session(1, { ratchet: { ...template.ratchet, receive: [{ ...chain, next: 5, skipped }] } })
    const prune = (now: number) =>
      pruneSessionRecord({ ...recordOf(holding, session(2, { supersededAt: START })), seen }, { now, livePreKeyIds: new Set([1, 2]) })
    expect(prune(START).seen).toEqual([seen[0]])
    const kept = (now: number) => prune(now).sessions.map(({ ratchet }) => ratchet.receive[0]?.skipped.length)
    expect([kept(START + LIMITS.skippedKeyDays * DAY), kept(START + LIMITS.skippedKeyDays * DAY + 1)]).toEqual([[1, 0], [0]])
  })

  test('belong to one device’s three keys', () => {
    const record = recordFor(null, other.remote())
    expect(record).toMatchObject({ nextGeneration: 0, sessions: [], seen: [] })
    expect(recordFor(record, other.remote())).toBe(record)
    for (const changes of [{ accountKey: filled(1, 32) }, { signingKey: filled(1, 32) }, { identityKey: filled(1, 32) }])
      expect(codeOf(() => recordFor(record, { ...other.remote(), ...changes }))).toBe('devices/identity-changed')
  })
})

describe('an acknowledgement', () => {
  const due = (changes: Partial<Session>, now = START): boolean => acknowledgementDue(recordOf(session(1, { unansweredSince: START, ...changes })), now)
  const silent = { ...template.ratchet, send: null, previousChainLength: 0 }
  const sending = { ...template.ratchet, previousChainLength: 3 }

  test('is due at once where a responder has never written', () => {
    expect(due({ role: 'responder', receivedSinceSend: 1, ratchet: silent })).toBe(true)
    expect(due({ role: 'responder', receivedSinceSend: 0, ratchet: silent })).toBe(false)
    expect(due({ role: 'initiator', receivedSinceSend: 1, ratchet: silent })).toBe(false)
    expect(due({ role: 'responder', receivedSinceSend: 1, ratchet: { ...silent, previousChainLength: 1 } })).toBe(false)
    const send = { chainKey: template.ratchet.rootKey, pqEpoch: 0, next: 1 }
    expect(due({ role: 'responder', receivedSinceSend: 1, ratchet: { ...silent, send } })).toBe(false)
  })

  test('is due after 50 messages, or a day after the first of two', () => {
    const after = (receivedSinceSend: number, milliseconds = 0): boolean =>
      due({ role: 'initiator', ratchet: sending, receivedSinceSend }, START + milliseconds)
    expect([after(49), after(50), after(51)]).toEqual([false, true, true])
    expect([after(1, 90 * DAY), after(2, DAY - 1), after(2, DAY), after(49, DAY)]).toEqual([false, false, true, true])
  })
})

describe('a first message', () => {
  test('that was seen is told by all three of its names', () => {
    const envelope = alice.write(bob, 'hello', { bundle: bob.bundle({ withOneTime: false }) })
    const parsed = parseEnvelope(envelope)
    if (parsed.kind === 'unknown' || !parsed.handshake) throw new Error('no handshake')
    const { signedPreKeyId, kemKeyId, ephemeralKey } = parsed.handshake
    const names = { signedPreKeyId, kemKeyId, ephemeralKey }
    const read = (changes: Partial<typeof names>, count = 1) => {
      bob.record = { ...recordFor(null, alice.remote()), seen: Array.from({ length: count }, () => ({ ...names, ...changes })) }
      return bob.tryDecrypt(alice, envelope)
    }
    expect(codeOf(() => read({}))).toBe('crypto/replayed-handshake')
    for (const changes of [{ signedPreKeyId: 99 }, { kemKeyId: 99 }, { ephemeralKey: filled(1, 32) }]) {
      expect(read(changes).created).toBe(true)
      expect(read(changes, 255).record.seen).toHaveLength(256)
      expect(codeOf(() => read(changes, 256))).toBe('crypto/limit-exceeded')
    }
    expect(read({ kemKeyId: 99 }).record.seen[1]).toEqual(names)
  })

  test('is not begun in a generation that no header can name', () => {
    const start = (nextGeneration: number) => () => {
      alice.record = { ...recordFor(null, bob.remote()), nextGeneration }
      return alice.encrypt(bob, 'x', { bundle: bob.bundle({ withOneTime: false }) }).record.nextGeneration
    }
    expect(start(0xffffffff)()).toBe(0x1_0000_0000)
    expect(codeOf(start(0x1_0000_0000))).toBe('crypto/limit-exceeded')
  })

  test('of a peer that names another session than its handshake makes is refused', () => {
    alice.write(bob, 'hello', { bundle: bob.bundle() })
    const { ratchet, handshake } = sendingSession(alice.record as SessionRecord) as Session
    const step = sendStep(world.deps(), ratchet)
    const make = (sessionTag: Uint8Array): Uint8Array => {
      const { ratchetKey, previousChainLength, counter } = step
      const header = encodeEnvelopeHeader({ sessionTag, ratchetKey, previousChainLength, counter, commitmentOrSalt: filled(1, 16) }, handshake)
      const ad = associatedData(ratchet.th, { from: alice.local(), to: bob.local(), header })
      const echo = { sender: alice.manifest, recipient: bob.manifest }
      const plaintext = { common: bytesOf('x'), perSession: NOTHING }
      const padded = new Uint8Array(plaintextLength(plaintext, null))
      writePlaintext(padded, 0, { plaintext, echo, chunk: null })
      const { keyCommitment, ciphertext } = sealCommitting(sodium, step.messageKey, { ad, plaintext: padded })
      return Uint8Array.of(...header, ...keyCommitment, ...ciphertext)
    }
    expect(codeOf(() => bob.tryDecrypt(alice, make(filled(9, 8))))).toBe('crypto/authentication-failed')
    expect(bob.tryDecrypt(alice, make(ratchet.th.slice(0, 8))).created).toBe(true)
  })
})

describe('an envelope', () => {
  test('is made of a franking commitment of 32 bytes or none, up to the limit', () => {
    const bundle = bob.bundle()
    const make = (changes: { franking?: Uint8Array; common?: Uint8Array }) =>
      encryptMessage(world.deps(), {
        record: null,
        local: alice.local(),
        remote: bob.remote(),
        bundle,
        plaintext: { common: NOTHING },
        ...changes,
        ...(changes.common && { plaintext: { common: changes.common } }),
      })
    for (const length of [0, 16, 31, 33]) expect(codeOf(() => make({ franking: new Uint8Array(length) }))).toBe('client/invalid-argument')
    expect(make({ franking: filled(1, 32) }).created).toBe(true)
    let [fits, fails] = [0, LIMITS.envelopeBytes]
    while (fails - fits > 1) {
      const middle = (fits + fails) >> 1
      try {
        make({ common: new Uint8Array(middle) })
        fits = middle
      } catch {
        fails = middle
      }
    }
    expect(make({ common: new Uint8Array(fits) }).envelope.length).toBeLessThanOrEqual(LIMITS.envelopeBytes)
    expect(codeOf(() => make({ common: new Uint8Array(fails) }))).toBe('protocol/too-large')
  })

  test('of a kind that is not known is shown as that and needs no prekeys', () => {
    const envelope = alice.write(bob, 'x', { bundle: bob.bundle() })
    envelope[2] = 9
    expect(peekEnvelope(envelope)).toMatchObject({ kind: 'unknown' })
    expect(requiredPreKeys(envelope)).toBeNull()
    expect(sessionTagOf(envelope)).toBeUndefined()
    expect(sessionTagOf(new Uint8Array(3))).toBeUndefined()
    expect(codeOf(() => bob.tryDecrypt(alice, envelope))).toBe('protocol/unsupported-version')
  })
})

describe('a plaintext', () => {
  const own: Fields = { senderVersion: u64(3), senderHash: filled(1, 32), recipientVersion: u64(4), recipientHash: filled(2, 32), perSession: filled(5, 3) }
  const read = (perSession: Uint8Array, ...more: Uint8Array[]) => decodePlaintext(pad(T(LABELS.plaintext, bytesOf('common'), perSession, ...more)))
  const expected = {
    plaintext: { common: bytesOf('common'), perSession: filled(5, 3) },
    echo: { sender: { version: 3, hash: filled(1, 32) }, recipient: { version: 4, hash: filled(2, 32) } },
  }

  test('has the content, both manifests and what is for this session; a later version may say more', () => {
    const bytes = written(LABELS.perSession, own)
    const [chunk, more] = [filled(7, 5), filled(8, 5)]
    expect(read(bytes)).toEqual({ ...expected, chunk: null })
    expect(read(bytes, more)).toEqual({ ...expected, chunk: null })
    expect(read(written(LABELS.perSession, { ...own, chunk, more }))).toEqual({ ...expected, chunk })
    for (const [what, changed] of misshapen(LABELS.perSession, own)) {
      // One field more is one that a later version has added.
      if (what === 'recipientHash twice' || (what.startsWith('perSession') && what !== 'perSession gone')) continue
      expect([what, codeOf(() => read(changed))]).toEqual([what, 'protocol/malformed'])
    }
    for (const fields of [[], [bytesOf('common')]]) expect(codeOf(() => decodePlaintext(pad(T(LABELS.plaintext, ...fields))))).toBe('protocol/malformed')
  })

  test('for many is the same bytes as for one, chunk or not, and is wiped', () => {
    const plaintext = { common: bytesOf('to all'), perSession: filled(5, 3) }
    const sender = { version: 3, hash: filled(1, 32) }
    const batch = plaintextTemplate(plaintext, { sender })
    const one = (recipient: { version: number; hash: Uint8Array }, chunk: Uint8Array | null): Uint8Array => {
      const bytes = new Uint8Array(plaintextLength(plaintext, chunk))
      writePlaintext(bytes, 0, { plaintext, echo: { sender, recipient }, chunk })
      return bytes
    }
    const used = new Set<Uint8Array>()
    for (const [i, chunk] of [null, filled(7, 190), filled(8, 190), filled(9, 46), null, filled(6, 46)].entries())
      for (const length of [32, 64]) {
        const recipient = { version: 2 ** 40 + i, hash: filled(20 + i, length) }
        const bytes = batch.fillMutable(recipient, chunk)
        used.add(bytes)
        expect(bytes).toEqual(one(recipient, chunk))
      }
    expect(used.size).toBe(3)
    batch.wipeMutable()
    for (const bytes of used) expect(bytes.every((byte) => byte === 0)).toBe(true)
    expect(batch.fillMutable({ version: 1, hash: filled(2, 32) }, null)).toEqual(one({ version: 1, hash: filled(2, 32) }, null))
  })
})

test('pieces of a block do not overlap, and a block is used to its end', () => {
  const piece = pieces(100)
  const taken = [60, 40, 1, 99, 0, 250, 30].map((length) => piece(length))
  expect(taken.map(({ length, byteOffset, buffer }) => [length, byteOffset, buffer.byteLength])).toEqual([
    [60, 0, 100],
    [40, 60, 100],
    [1, 0, 100],
    [99, 1, 100],
    [0, 100, 100],
    [250, 0, 250],
    [30, 0, 100],
  ])
  expect(new Set(taken.map(({ buffer }) => buffer)).size).toBe(4)
})

describe('a retry request', () => {
  const hash = filled(3, 32)
  const make = (changes: { envelopes?: Uint8Array[]; sessionTag?: Uint8Array } = {}) =>
    createRetryRequest(world.deps(), { local: bob.local(), peer: alice, envelopes: [hash], time: START, ...changes })
  const verify = (envelope: Uint8Array) => verifyRetryRequest(sodium, { local: alice, remote: bob.remote(), envelope })

  test('is made of hashes of 32 bytes and a tag of 8 or none', () => {
    for (const length of [0, 7, 9]) expect(codeOf(() => make({ sessionTag: filled(1, length) }))).toBe('client/invalid-argument')
    for (const bad of [filled(1, 31), filled(1, 33)]) expect(codeOf(() => make({ envelopes: [hash, bad] }))).toBe('client/invalid-argument')
    expect(verify(make()).sessionTag).toBeNull()
    expect(verify(make({ sessionTag: filled(1, 8) })).sessionTag).toEqual(filled(1, 8))
  })

  test('has one tag at most and 1 to 64 hashes', () => {
    const [plain, at] = [make(), 4 + 4 + 4 + 8 + 16]
    const withCounts = (tags: Uint8Array, hashes: readonly Uint8Array[]): Uint8Array =>
      Uint8Array.of(...plain.subarray(0, at), ...tags, hashes.length, ...hashes.flatMap((one) => [...one]), ...plain.subarray(-64))
    const none = Uint8Array.of(0)
    expect(withCounts(none, [hash])).toEqual(plain)
    expect(codeOf(() => verify(withCounts(none, [])))).toBe('protocol/malformed')
    expect(codeOf(() => verify(withCounts(none, Array<Uint8Array>(LIMITS.retryEnvelopes + 1).fill(hash))))).toBe('protocol/malformed')
    expect(codeOf(() => verify(withCounts(none, Array<Uint8Array>(LIMITS.retryEnvelopes).fill(hash))))).toBe('crypto/invalid-signature')
    expect(codeOf(() => verify(withCounts(Uint8Array.of(2), [hash])))).toBe('protocol/malformed')
  })

  test('is told by its first four bytes', () => {
    const envelope = make()
    expect([...envelope.subarray(0, 4)]).toEqual([1, SUITE, 4, 0])
    expect(isRetryRequest(envelope.subarray(0, 4))).toBe(true)
    for (const length of [0, 1, 2, 3]) expect(isRetryRequest(envelope.subarray(0, length))).toBe(false)
    for (const at of [0, 1, 2, 3]) {
      const changed = envelope.map((byte, i) => (i === at ? byte ^ 2 : byte))
      expect([isRetryRequest(changed), codeOf(() => verify(changed))]).toEqual([false, 'protocol/malformed'])
    }
  })

  test('is for this device of the account that signed it over, from this one', () => {
    const envelope = make()
    for (const changes of [{ local: { ...alice.local(), deviceId: 2 as DeviceId } }, { remote: { ...bob.remote(), deviceId: 2 as DeviceId } }])
      expect(codeOf(() => verifyRetryRequest(sodium, { local: alice.local(), remote: bob.remote(), envelope, ...changes }))).toBe('protocol/malformed')
  })

  test('of a device that was never answered has no hour to wait', () => {
    expect(judgeRetryRequest({ answeredAt: 0, newestRequest: 0 }, { time: 1 }, HOUR / 2).kind).toBe('answer')
    expect(judgeRetryRequest({ answeredAt: 1, newestRequest: 0 }, { time: 1 }, HOUR / 2).kind).toBe('too-soon')
  })
})

test('the sender of a pairwise message is made by decryption alone', () => {
  const remote = other.remote()
  const sender = pairwiseSender(remote)
  expect([sender.accountId, sender.deviceId]).toEqual([remote.accountId, remote.deviceId])
  for (const mint of [Symbol('pairwise sender'), undefined]) expect(codeOf(() => new PairwiseSender(mint as symbol, remote))).toBe('client/invalid-argument')
  for (const not of [null, undefined, 'sender', {}, { ...sender }, Object.create(PairwiseSender.prototype)]) expect(PairwiseSender.is(not)).toBe(false)
  expect(PairwiseSender.is(sender)).toBe(true)
})

test('reading and writing leave the record that they were given as it is', () => {
  bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
  const before = [alice.record, bob.record].map((record) => Buffer.from(encodeSession(record as SessionRecord)))
  const given = [alice.record, bob.record] as SessionRecord[]
  alice.read(bob, bob.write(alice, 'hi'))
  expect(given.map((record) => Buffer.from(encodeSession(record)))).toEqual(before)
})

test('a record keeps nothing of the memory that a first message came in', () => {
  const world = createWorld(sodium)
  const [alice, bob] = [new Person(world), new Person(world)]
  for (const withOneTime of [true, false]) {
    const envelope = alice.write(bob, 'first', { bundle: bob.bundle({ withOneTime }), newSession: true })
    const { record } = bob.decrypt(alice, envelope)
    const before = encodeSession(record)
    const tag = sessionTagOf(envelope)!
    const copy = tag.slice()
    envelope.fill(0)
    expect(encodeSession(record)).toEqual(before)
    expect(tag).toEqual(copy)
    expect(dropSessions(record)).toEqual({ ...record, sessions: [] })
  }
})
