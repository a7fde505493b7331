import { LIMITS } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { decodeSession, encodeSession, Secret, type Session, type SessionRecord } from '../../src/index.js'
import { recordSize } from '../../src/session/codec.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, Person } from '../support/people.js'
import { acquaint, exchange, pqOf, recordOf } from '../support/pq.js'
import { sodium } from '../support/providers.js'

// What a record may hold, from both sides of each limit: records are written from states that no ratchet comes to.

type Ratchet = Session['ratchet']
type Chain = Ratchet['receive'][number]

const world = createWorld(sodium, 31)
const [alice, bob] = [new Person(world), new Person(world)]
acquaint(alice, bob)
exchange(alice, bob)
const record = recordOf(alice)
const session = record.sessions[0] as Session
const { ratchet } = session
const newest = ratchet.receive[0] as Chain

const withSession = (changes: Partial<Session>): SessionRecord => ({ ...record, sessions: [{ ...session, ...changes }] })
const withRatchet = (changes: Partial<Ratchet>): SessionRecord => withSession({ ratchet: { ...ratchet, ...changes } })
const closed = (changes: Partial<Chain> = {}): Chain => ({ ...newest, chainKey: null, ...changes })
const skipped = (...counters: number[]): Chain['skipped'] => counters.map((counter) => ({ counter, messageKey: new Secret(new Uint8Array(32)), storedAt: 1 }))
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** What is read is what was written, which has the size that was told beforehand; secrets are compared as bytes. */
function readable(value: SessionRecord): void {
  const bytes = encodeSession(value)
  expect(recordSize(value)).toBe(bytes.length)
  const read = decodeSession(bytes)
  expect(read).toEqual(value)
  expect(Buffer.compare(encodeSession(read), bytes)).toBe(0)
}
const corrupt = (value: SessionRecord | Uint8Array): void =>
  expect(codeOf(() => decodeSession(value instanceof Uint8Array ? value : encodeSession(value)))).toBe('storage/corrupt')

/** The bytes of the record with one of them exchanged, at the first place where `before` is followed by it. */
function withByte(value: SessionRecord, before: Uint8Array, byte: number): Uint8Array {
  const bytes = encodeSession(value)
  const at = Buffer.from(bytes).indexOf(Buffer.from(before))
  expect(at).toBeGreaterThan(0)
  bytes[at + before.length] = byte
  return bytes
}

describe('a stored ratchet', () => {
  test('holds at most five chains, of which the newest alone has a key', () => {
    const chains = (count: number) => withRatchet({ receive: [newest, ...upTo(count - 1).map(() => closed())] })
    readable(chains(LIMITS.receiveChains))
    corrupt(chains(LIMITS.receiveChains + 1))
    readable(withRatchet({ receive: [] }))
    corrupt(withRatchet({ receive: [closed()] }))
    corrupt(withRatchet({ receive: [newest, newest] }))
  })

  test('skipped keys ascend and lie before the next counter', () => {
    const keys = (...counters: number[]) => withRatchet({ receive: [{ ...newest, next: 9, skipped: skipped(...counters) }] })
    for (const good of [[0], [8], [0, 1, 8]]) readable(keys(...good))
    for (const bad of [[9], [3, 3], [3, 2], [8, 9]]) corrupt(keys(...bad))
  })

  test('skipped keys are at most 2,000 in all chains together', () => {
    const keys = (first: number, second: number) =>
      withRatchet({
        receive: [
          { ...newest, next: 5_000, skipped: skipped(...upTo(first)) },
          closed({ next: 5_000, skipped: skipped(...upTo(second)) }),
          closed({ next: 5_000, skipped: skipped(...upTo(1)) }),
        ],
      })
    readable(keys(LIMITS.skippedKeys - 2, 1))
    corrupt(keys(LIMITS.skippedKeys - 1, 1))
    corrupt(keys(1, LIMITS.skippedKeys - 1))
    corrupt(keys(LIMITS.skippedKeys + 1, 0))
  })

  test('a chain is marked with an epoch that there was', () => {
    const pq = { ...ratchet.pq, epoch: 4 }
    const receiving = (mark: number) => withRatchet({ pq, receive: [{ ...newest, pqEpoch: mark }] })
    const own = { publicKey: newest.ratchetKey, secretKey: ratchet.rootKey }
    const sending = (mark: number) => withRatchet({ pq, own, send: { chainKey: ratchet.rootKey, pqEpoch: mark, next: 0 } })
    for (const marked of [receiving, sending]) {
      for (const mark of [0, 3, 4]) readable(marked(mark))
      for (const mark of [5, 0xffffffff]) corrupt(marked(mark))
    }
  })

  test('own pair, the peer’s key and a sending chain are there or not, each for itself', () => {
    const pair = { publicKey: newest.ratchetKey, secretKey: ratchet.rootKey }
    const chain = { chainKey: ratchet.rootKey, pqEpoch: 0, next: 7 }
    for (const own of [null, pair])
      for (const remote of [null, newest.ratchetKey]) for (const send of [null, chain]) readable(withRatchet({ own, remote, send }))
  })

  test('flags that nobody writes are refused', () => {
    const idle = withRatchet({ pq: { ...ratchet.pq, since: 0x1122334455, sends: 0x21222324, exchanged: 0x31323334, phase: { kind: 'idle' } } })
    const beforePhase = Uint8Array.of(0x21, 0x22, 0x23, 0x24, 0x31, 0x32, 0x33, 0x34)
    corrupt(withByte(idle, beforePhase, 6))
    const flags = Buffer.from(encodeSession(idle)).indexOf(Buffer.from(beforePhase)) + beforePhase.length + 1
    for (const unknown of [8, 0x80]) corrupt(encodeSession(idle).map((byte, i) => (i === flags ? byte | unknown : byte)))
    const keyless = withRatchet({ receive: [newest, closed({ ratchetKey: new Uint8Array(32).fill(0x77), pqEpoch: 0 })] })
    corrupt(withByte(keyless, Uint8Array.of(...new Uint8Array(32).fill(0x77), 0, 0, 0, 0), 2))
  })
})

describe('a stored session', () => {
  test('its flags are two bits', () => {
    const bytes = encodeSession(record)
    // version, suite, three keys, next generation, number of sessions
    const at = 2 + 96 + 8 + 1
    expect(bytes[at]).toBe(3)
    for (const flags of [4, 5, 255]) corrupt(bytes.map((byte, i) => (i === at ? flags : byte)))
  })

  test('both roles come back, acknowledged or not, with a handshake or without', () => {
    for (const handshake of [null, new Uint8Array(3).fill(5)])
      for (const acknowledged of [true, false])
        for (const role of ['initiator', 'responder'] as const) {
          const pq = { ...ratchet.pq, initiator: role === 'initiator' }
          readable(withSession({ role, acknowledged, handshake, supersededAt: 7, receivedSinceSend: 8, unansweredSince: 9, ratchet: { ...ratchet, pq } }))
        }
  })

  test('there are five of them at most, and 256 handshakes that were seen', () => {
    const sessions = (count: number) => ({ ...record, sessions: upTo(count).map(() => session) })
    for (const count of [0, LIMITS.sessionsPerPair]) readable(sessions(count))
    corrupt(sessions(LIMITS.sessionsPerPair + 1))
    const seen = (count: number) => ({ ...record, seen: upTo(count).map((i) => ({ signedPreKeyId: i, kemKeyId: 1_000 + i, ephemeralKey: newest.ratchetKey })) })
    readable(seen(256))
    corrupt(seen(257))
  })

  test('the next generation is above that of every session, and fits the last one', () => {
    const generations = (nextGeneration: number, ...of: number[]) => ({
      ...record,
      nextGeneration,
      sessions: of.map((generation) => ({ ...session, generation })),
    })
    for (const good of [generations(0), generations(0x1_0000_0000), generations(0x1_0000_0000, 0xffffffff), generations(8, 3, 7), generations(9, 7, 3)])
      readable(good)
    for (const bad of [generations(0x1_0000_0001), generations(7, 7), generations(7, 3, 7), generations(7, 7, 3)]) corrupt(bad)
  })

  test('is read of the versions 1 and 2', () => {
    const version = (byte: number) => codeOf(() => decodeSession(encodeSession(record).map((old, i) => (i === 0 ? byte : old))))
    for (const byte of [0, 3, 255]) expect(version(byte)).toBe('protocol/unsupported-version')
    expect(version(1)).toBe('storage/corrupt')
  })
})

describe('a stored post-quantum ratchet', () => {
  const initiator = (phase: Ratchet['pq']['phase'], epoch = 0) => withRatchet({ pq: { ...ratchet.pq, initiator: true, epoch, phase } })
  const secret = new Secret(new Uint8Array(32).fill(1))
  const h = new Uint8Array(64).fill(2)
  const ek = new Uint8Array(1184).fill(3)
  const ct = new Uint8Array(1088).fill(4)
  const tag = new Uint8Array(8).fill(6)
  const seed = new Secret(new Uint8Array(64).fill(5))
  /** Zeros where no chunk has come: what is not stored reads as that. */
  function collection(object: Uint8Array, have: number) {
    const bytes = new Uint8Array(object.length)
    for (const i of upTo(7)) if (have & (1 << i)) bytes.set(object.subarray(i * LIMITS.pqChunkBytes, (i + 1) * LIMITS.pqChunkBytes), i * LIMITS.pqChunkBytes)
    return { tag, have, bytes }
  }
  const offering = (next: number, have: number | null) =>
    initiator({ kind: 'offering', seed, ek, tag, next, answer: have === null ? null : collection(ct, have) })
  const collecting = (have: number) => initiator({ kind: 'collecting', question: collection(ek, have) }, 1)
  const answering = (next: number) => initiator({ kind: 'answering', secret, h, ct, next }, 1)

  test('a collection has a chunk and lacks one', () => {
    for (const have of [1, 0x40, 0x55, 0x7e, 0x3f]) {
      readable(offering(0, have))
      readable(collecting(have))
    }
    for (const have of [0, 0x7f, 0x80, 0xffffffff]) {
      corrupt(offering(0, have))
      corrupt(collecting(have))
    }
  })

  test('the chunk to send next is one of seven', () => {
    for (const next of [0, 6]) for (const good of [offering(next, null), answering(next)]) readable(good)
    for (const next of [7, 255]) for (const bad of [offering(next, null), answering(next)]) corrupt(bad)
    corrupt(withByte(offering(6, null), Uint8Array.of(...tag, 6), 2))
  })

  test('who sends the key is told by role and epoch', () => {
    const phases: Ratchet['pq']['phase'][] = [
      { kind: 'offering', seed, ek, tag, next: 0, answer: null },
      { kind: 'ready', secret, h },
      { kind: 'collecting', question: collection(ek, 1) },
      { kind: 'asked', ek },
      { kind: 'answering', secret, h, ct, next: 0 },
    ]
    for (const [at, phase] of phases.entries()) {
      const sendsKey = at < 2
      readable(initiator(phase, sendsKey ? 2 : 1))
      corrupt(initiator(phase, sendsKey ? 1 : 2))
    }
    for (const epoch of [0, 1, 2]) readable(initiator({ kind: 'idle' }, epoch))
  })
})

test('a record of a long conversation comes back too', () => {
  world.now += DAY
  for (let i = 0; i < 5; i++) {
    exchange(alice, bob)
    exchange(bob, alice)
  }
  expect(pqOf(alice).phase.kind).toBe('offering')
  readable(recordOf(alice))
  readable(recordOf(bob))
})
