import { LIMITS } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { collect, encodeChunk, isChunkOf, isComplete, objectHash, tagOf } from '../../src/pq/chunk.js'
import { secretToReceive, secretToSend, turned } from '../../src/pq/mix.js'
import { PQ_PARAMETERS } from '../../src/pq/parameters.js'
import { takeChunk } from '../../src/pq/receive.js'
import { nextChunk, type PqSession } from '../../src/pq/send.js'
import { nextEpoch, type PqPhase, type PqState, startPq } from '../../src/pq/state.js'
import { isStalled } from '../../src/pq/status.js'
import { Secret } from '../../src/secret.js'
import { codeOf } from '../support/codes.js'
import { DAY, START } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

// The machine of docs/protocol/07-post-quantum-ratchet.md by itself, each limit from both sides, with three chunks an object.

const parameters = { ...PQ_PARAMETERS, chunkBytes: 400, chunksPerChain: 6 }
const random = seededRandom(17)
const deps = { provider: sodium, random, now: START }
const th = random(64)
const filled = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte)
const secret = { secret: new Secret(filled(1, 32)), h: filled(2, 64) }
const tag = filled(3, 8)
const part = { tag, have: 1, bytes: filled(4, 1184) }
const PHASES: Readonly<Record<PqPhase['kind'], PqPhase>> = {
  idle: { kind: 'idle' },
  offering: { kind: 'offering', seed: new Secret(filled(5, 64)), ek: filled(6, 1184), tag, next: 0, answer: null },
  ready: { kind: 'ready', ...secret },
  collecting: { kind: 'collecting', question: part },
  asked: { kind: 'asked', ek: sodium.mlkem768KeyPair(filled(5, 64)).publicKey },
  answering: { kind: 'answering', ...secret, ct: filled(7, 1088), next: 0 },
}
const state = (changes: Partial<PqState> = {}): PqState => ({ ...startPq({ initiator: true, since: START }), ...changes })
const session = (pq: PqState, next: number | null = 0): PqSession => ({ th, pq, send: next === null ? null : { next } })
const sent = (given: PqSession, now = START) => nextChunk({ ...deps, now }, given, parameters)

describe('an epoch', () => {
  test('is begun by the side whose turn it is, after 20 own messages or 24 hours', () => {
    const begins = (changes: Partial<PqState>, next: number | null, after = 0): boolean => sent(session(state(changes), next), START + after) !== null
    expect([begins({ sends: 19 }, 0), begins({ sends: 20 }, 0), begins({ sends: 15 }, 4), begins({ sends: 15 }, 5)]).toEqual([false, true, false, true])
    expect([begins({ sends: 19 }, null), begins({ sends: 20 }, null)]).toEqual([false, true])
    expect([begins({}, 0, DAY - 1), begins({}, 0, DAY)]).toEqual([false, true])
    const turns = [0, 1, 2, 3].map((epoch) => [true, false].map((initiator) => begins({ epoch, initiator, sends: 20 }, 0)))
    expect(turns).toEqual([
      [true, false],
      [false, true],
      [true, false],
      [false, true],
    ])
  })

  test('has a number of 32 bits: after the last one none is begun', () => {
    // The initiator sends the keys of odd epochs.
    expect(sent(session(state({ epoch: 0xfffffffe, sends: 20 })))?.chunk.slice(0, 4)).toEqual(filled(255, 4))
    expect(sent(session(state({ epoch: 0xffffffff, initiator: false, sends: 20 })))).toBeNull()
  })

  test('that follows begins with nothing of the one before', () => {
    const before = state({ epoch: 4, sends: 9, exchanged: 8, phase: PHASES.ready })
    expect(nextEpoch(before, START + 5)).toEqual({ initiator: true, epoch: 5, since: START + 5, sends: 0, exchanged: 0, phase: { kind: 'idle' } })
  })
})

describe('a message', () => {
  test('carries a chunk while there is an object to send, and else none', () => {
    const carrying = Object.entries(PHASES).filter(([, phase]) => sent(session(state({ phase }))) !== null)
    expect(carrying.map(([kind]) => kind)).toEqual(['offering', 'asked', 'answering'])
    const answered: PqPhase = { ...(PHASES.offering as Extract<PqPhase, { kind: 'offering' }>), answer: part }
    expect(sent(session(state({ phase: answered })))).toBeNull()
  })

  test('carries one up to the limit of its chain, whatever the chain before', () => {
    const carries = [5, 6, 7, null].map((next) => sent(session(state({ phase: PHASES.answering }), next)) !== null)
    expect(carries).toEqual([true, false, false, true])
  })

  test('carries the chunks in turn, each with epoch, kind, index and name, and begins again after the last', () => {
    let pq = state({ epoch: 7, phase: { ...(PHASES.answering as Extract<PqPhase, { kind: 'answering' }>), ct: random(1088) } })
    const ct = pq.phase.kind === 'answering' ? pq.phase.ct : filled(0, 0)
    for (const index of [0, 1, 2, 0]) {
      const one = sent(session(pq))
      if (!one) throw new Error('no chunk')
      expect(Buffer.from(one.chunk)).toEqual(Buffer.concat([Uint8Array.of(0, 0, 0, 8, 2, index), filled(2, 8), ct.subarray(400 * index, 400 * (index + 1))]))
      pq = one.pq
    }
    expect(pq.phase).toMatchObject({ kind: 'answering', next: 1 })
  })
})

describe('a chunk', () => {
  const object = { epoch: 3, kind: 'ct', tag } as const
  const make = (index: number): Uint8Array => encodeChunk(object, filled(7, 1088), { index, chunkBytes: 400 })

  test('has the length of its place, and there is none after the last', () => {
    const [first, last] = [make(0), make(2)]
    expect([first.length, last.length]).toEqual([414, 14 + 288])
    for (const good of [first, make(1), last]) expect(isChunkOf(good, object, parameters)).toBe(true)
    const behind = Uint8Array.of(...last.subarray(0, 5), 3, ...tag)
    for (const bad of [first.subarray(0, 413), Uint8Array.of(...first, 0), last.subarray(0, 301), Uint8Array.of(...last, 0), behind, last.subarray(0, 14)])
      expect(isChunkOf(bad, object, parameters)).toBe(false)
    for (let length = 0; length <= 14; length++) expect(isChunkOf(first.subarray(0, length), object, parameters)).toBe(false)
    expect(isChunkOf(first, { ...object, epoch: 4 }, parameters)).toBe(false)
    expect(isChunkOf(first, { ...object, kind: 'ek' }, parameters)).toBe(false)
  })

  test('is put in its place; one that is there changes nothing; another name begins anew', () => {
    const one = collect(null, make(2), { kind: 'ct', chunkBytes: 400 })
    expect(one).toEqual({ tag, have: 4, bytes: Uint8Array.of(...filled(0, 800), ...filled(7, 288)) })
    expect(collect(one, make(2), { kind: 'ct', chunkBytes: 400 })).toBe(one)
    const two = collect(one, make(0), { kind: 'ct', chunkBytes: 400 })
    expect([two.have, one.have, isComplete(two, 3)]).toEqual([5, 4, false])
    const three = collect(two, make(1), { kind: 'ct', chunkBytes: 400 })
    expect(isComplete(three, 3)).toBe(true)
    expect(three.bytes).toEqual(filled(7, 1088))
    const other = encodeChunk({ ...object, tag: filled(9, 8) }, filled(8, 1088), { index: 0, chunkBytes: 400 })
    expect(collect(two, other, { kind: 'ct', chunkBytes: 400 })).toEqual({
      tag: filled(9, 8),
      have: 1,
      bytes: Uint8Array.of(...filled(8, 400), ...filled(0, 688)),
    })
    // Copies: what was collected outlives the message.
    other.fill(0)
    expect(collect(null, make(0), { kind: 'ct', chunkBytes: 400 }).tag).toEqual(tag)
  })

  test('of 32 is complete with the last one', () => {
    const have = (bits: number) => isComplete({ tag, have: bits, bytes: filled(0, 0) }, 32)
    expect([have(-1), have(0x7fffffff), have(-2)]).toEqual([true, false, false])
  })
})

describe('what is received', () => {
  const [asking, answering] = [state({ sends: 20 }), state({ initiator: false })]
  const take = (pq: PqState, chunk: Uint8Array): PqState => takeChunk(sodium, { th, pq }, { chunk, parameters }).pq
  /** Every chunk of the object that `from` sends; gives both sides afterwards. */
  function transfer(from: PqState, to: PqState, change = (chunk: Uint8Array) => chunk): readonly [PqState, PqState] {
    let [sender, receiver] = [from, to]
    for (let i = 0; i < 3; i++) {
      const one = sent(session(sender))
      if (!one) throw new Error('no chunk')
      sender = one.pq
      receiver = take(receiver, change(one.chunk))
    }
    return [sender, receiver]
  }
  const [offering, asked] = transfer(asking, answering)

  test('key and answer come across, and both sides have the same secret under the same name', () => {
    expect(asked.phase).toEqual({ kind: 'asked', ek: offering.phase.kind === 'offering' && offering.phase.ek })
    const [answered, ready] = transfer(asked, offering)
    if (answered.phase.kind !== 'answering' || ready.phase.kind !== 'ready') throw new Error('no secret')
    expect(ready.phase.secret.expose()).toEqual(answered.phase.secret.expose())
    expect(ready.phase.h).toEqual(answered.phase.h)
    expect([secretToSend(ready), secretToSend(answered)]).toEqual([ready.phase, null])
    const named = objectHash(sodium, { th, epoch: 1 }, (offering.phase as { ek: Uint8Array }).ek, answered.phase.ct)
    expect(answered.phase.h).toEqual(named)
  })

  test('a chunk that came before leaves the very same state, in every phase', () => {
    const first = sent(session(asking))!
    const held = { th, pq: take(answering, first.chunk) }
    expect(takeChunk(sodium, held, { chunk: first.chunk, parameters })).toBe(held)
    const reply = sent(session(asked))!.chunk
    const waiting = { th, pq: take(offering, reply) }
    expect(waiting.pq.phase).toMatchObject({ kind: 'offering', answer: { have: 1 } })
    expect(takeChunk(sodium, waiting, { chunk: reply, parameters })).toBe(waiting)
    for (const kind of ['asked', 'answering'] as const) {
      const busy = { th, pq: { ...answering, phase: PHASES[kind] } }
      expect(takeChunk(sodium, busy, { chunk: first.chunk, parameters })).toBe(busy)
    }
    for (const kind of ['idle', 'ready'] as const) {
      const deaf = { th, pq: { ...offering, phase: PHASES[kind] } }
      expect(takeChunk(sodium, deaf, { chunk: reply, parameters })).toBe(deaf)
    }
  })

  test('an object that is not the named one is forgotten, and the next one is taken', () => {
    const flipped = (chunk: Uint8Array): Uint8Array => chunk.map((byte, i) => (i === chunk.length - 1 ? byte ^ 1 : byte))
    const [, back] = transfer(asking, answering, flipped)
    expect(back).toEqual(answering)
    const [, still] = transfer(asked, offering, flipped)
    expect(still).toEqual(offering)
    expect(transfer(asking, back)[1].phase.kind).toBe('asked')
    expect(transfer(asked, still)[1].phase.kind).toBe('ready')
    // Named rightly, but no key: its first coefficient is the modulus.
    const ek = (offering.phase as { ek: Uint8Array }).ek.map((byte, i) => [0x01, (byte & 0xf0) | 0x0d][i] ?? byte)
    const forged = {
      ...offering,
      phase: { ...(offering.phase as Extract<PqPhase, { kind: 'offering' }>), ek, tag: tagOf(objectHash(sodium, { th, epoch: 1 }, ek)), next: 0 },
    }
    expect(transfer(forged, answering)[1]).toEqual(answering)
  })
})

describe('a DH step', () => {
  test('mixes what is ready into a sent chain, and into a received one what its mark names', () => {
    for (const [kind, phase] of Object.entries(PHASES)) {
      const pq = state({ epoch: 4, phase })
      expect(secretToSend(pq)).toBe(kind === 'ready' ? phase : null)
      expect(secretToReceive(pq, 0)).toBeNull()
      for (const mark of [1, 4, 6]) expect(codeOf(() => secretToReceive(pq, mark))).toBe('crypto/authentication-failed')
      if (kind === 'answering') expect(secretToReceive(pq, 5)).toBe(phase)
      else expect(codeOf(() => secretToReceive(pq, 5))).toBe('crypto/authentication-failed')
    }
  })

  test('without a secret counts the own messages, and of both chains the shorter one up to an object', () => {
    const count = (sends: number, received: number, changes: Partial<PqState> = {}) => {
      const { sends: own, exchanged } = turned(state(changes), { sent: sends, received })
      return [own, exchanged]
    }
    expect([count(5, 3), count(3, 5), count(9, 7), count(7, 8), count(9, 9), count(0, 9)]).toEqual([
      [5, 3],
      [3, 3],
      [9, 7],
      [7, 7],
      [9, 7],
      [0, 0],
    ])
    expect(count(2, 2, { sends: 20, exchanged: 30 })).toEqual([22, 32])
    const most = 0xffffffff
    expect(count(2, 2, { sends: most - 2, exchanged: most - 2 })).toEqual([most, most])
    expect(count(2, 2, { sends: most - 1, exchanged: most - 1 })).toEqual([most, most])
  })
})

test('a session is stalled after 14 days in which 70 chunks could have come, and not before either', () => {
  const stalled = (exchanged: number, days: number, more = 0) => isStalled(state({ exchanged }), START + days * DAY + more)
  const enough = LIMITS.pqStallChunks
  expect([stalled(enough - 1, 14), stalled(enough, 14, -1), stalled(enough, 14), stalled(enough + 1, 15)]).toEqual([false, false, true, true])
})

describe('chunks that are collected', () => {
  const name = { epoch: 1, kind: 'ek', tag } as const
  const object = filled(8, 1184)

  test('are counted: one behind the last, of no bytes, is none', () => {
    // Two chunks, exactly.
    const halves = { ...parameters, chunkBytes: 592 }
    const at = (index: number) => isChunkOf(encodeChunk(name, object, { index, chunkBytes: 592 }), name, halves)
    expect([at(0), at(1), at(2), at(3)]).toEqual([true, true, false, false])
  })

  test('change no collection that was there, and keep nothing of the memory that they came in', () => {
    const chunk = (index: number) => encodeChunk(name, object, { index, chunkBytes: 400 })
    const first = chunk(0)
    const one = collect(null, first, { kind: 'ek', chunkBytes: 400 })
    first.fill(0)
    expect(one).toEqual({ tag, have: 1, bytes: new Uint8Array([...filled(8, 400), ...filled(0, 784)]) })
    expect(collect(one, chunk(1), { kind: 'ek', chunkBytes: 400 }).have).toBe(3)
    expect(one.bytes).toEqual(new Uint8Array([...filled(8, 400), ...filled(0, 784)]))
  })

  test('are of the awaited epoch and kind, else nothing has changed', () => {
    const waiting = { th, pq: state({ initiator: false }) }
    const take = (changes: Partial<{ epoch: number; kind: 'ek' | 'ct' }>) =>
      takeChunk(sodium, waiting, { chunk: encodeChunk({ ...name, ...changes }, object, { index: 0, chunkBytes: 400 }), parameters })
    expect(take({}).pq.phase.kind).toBe('collecting')
    for (const changes of [{ epoch: 0 }, { epoch: 2 }, { kind: 'ct' } as const]) expect(take(changes)).toBe(waiting)
  })
})
