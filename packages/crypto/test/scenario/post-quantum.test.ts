import { type KnownEnvelope, LIMITS, parseEnvelope } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { decodeSession, encodeSession, postQuantumStatus } from '../../src/index.js'
import { encodeChunk } from '../../src/pq/chunk.js'
import { PQ_PARAMETERS } from '../../src/pq/parameters.js'
import { takeChunk } from '../../src/pq/receive.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, Person, type World } from '../support/people.js'
import { acquaint, exchange, hex, mixedBy, patchPq, pqOf, reachEpoch, recordOf, sessionOf } from '../support/pq.js'
import { sodium } from '../support/providers.js'

let world: World
let alice: Person
let bob: Person

beforeEach(() => {
  world = createWorld(sodium, 61)
  alice = new Person(world)
  bob = new Person(world)
  acquaint(alice, bob)
})

const markOf = (envelope: Uint8Array): number | undefined => (parseEnvelope(envelope) as KnownEnvelope).ratchet.pqEpoch

describe('epochs', () => {
  test('the first begins after 20 messages of the initiator, the second after 20 of the responder', () => {
    const chunks: boolean[] = []
    for (let i = 0; i < 60; i++) chunks.push(exchange(alice, bob, `a${i}`), exchange(bob, alice, `b${i}`))
    // One message each was the greeting. Alice has sent 20 with her 19th here; Bob mixes the first epoch with Alice's 27th.
    const [fromAlice, fromBob] = [chunks.filter((_, i) => i % 2 === 0), chunks.filter((_, i) => i % 2 === 1)]
    expect(fromAlice.indexOf(true)).toBe(LIMITS.pqGapMessages - 1)
    expect(fromAlice.slice(0, 27).filter(Boolean)).toHaveLength(7)
    expect(fromBob.indexOf(true)).toBe(25)
    expect(postQuantumStatus(recordOf(alice), world.now)).toEqual({ epoch: 1, since: world.now, stalled: false })
    expect(pqOf(bob).epoch).toBe(1)
    reachEpoch(alice, bob, 4)
  })

  test('or after 24 hours', () => {
    expect(exchange(alice, bob)).toBe(false)
    world.now += DAY
    expect(exchange(bob, alice)).toBe(false)
    expect(exchange(alice, bob)).toBe(true)
  })

  test('both sides mix the same secret, and neither has it nor the keys that it came from afterwards', () => {
    world.now += DAY
    const secrets: string[] = []
    while (pqOf(bob).epoch === 0) {
      const before = [pqOf(alice), pqOf(bob)] as const
      exchange(alice, bob)
      secrets.push(...[mixedBy(before[0], pqOf(alice)), mixedBy(before[1], pqOf(bob))].filter((secret) => secret !== null))
      if (pqOf(bob).epoch === 0) exchange(bob, alice)
    }
    expect(secrets).toHaveLength(2)
    expect(secrets[0]).toBe(secrets[1])
    for (const person of [alice, bob]) {
      expect(pqOf(person).phase).toEqual({ kind: 'idle' })
      expect(hex(encodeSession(recordOf(person)))).not.toContain(secrets[0])
    }
  })

  test('every header of the marked chain names the epoch, no other does, and late messages of it are read', () => {
    reachEpoch(alice, bob, 1)
    exchange(bob, alice)
    // In the very turn after `ready`: write until the marked chain begins.
    world.now += DAY
    let marked: Uint8Array[] = []
    while (marked.length === 0) {
      exchange(alice, bob)
      const ready = pqOf(bob).phase.kind === 'ready'
      const envelopes = [bob.write(alice, '1'), bob.write(alice, '2'), bob.write(alice, '3')]
      for (const envelope of envelopes) expect(markOf(envelope)).toBe(ready ? 2 : undefined)
      if (ready) marked = envelopes
      else for (const envelope of envelopes) alice.read(bob, envelope)
    }
    const [one, two, three] = marked as [Uint8Array, Uint8Array, Uint8Array]
    expect(alice.read(bob, three)).toBe('3')
    expect(alice.read(bob, one)).toBe('1')
    exchange(alice, bob)
    exchange(bob, alice)
    expect(alice.read(bob, two)).toBe('2')
    expect(markOf(bob.write(alice, 'x'))).toBeUndefined()
  })

  test('a chain without answers carries every chunk twice and no more', () => {
    world.now += DAY
    exchange(bob, alice)
    const carriedChunks = Array.from({ length: 30 }, () => exchange(alice, bob))
    expect(carriedChunks.filter(Boolean)).toHaveLength(LIMITS.pqChunksPerChain)
    expect(carriedChunks.slice(0, LIMITS.pqChunksPerChain)).not.toContain(false)
  })
})

describe('messages without a chunk', () => {
  test('leave the state of the post-quantum ratchet as it is, the very object', () => {
    exchange(alice, bob)
    const before = [pqOf(alice), pqOf(bob)]
    exchange(alice, bob)
    expect(pqOf(alice)).toBe(before[0])
    expect(pqOf(bob)).toBe(before[1])
  })
})

describe('chunks that nobody waits for', () => {
  test('of older and later epochs, of the other kind, with a wrong index or length change nothing', () => {
    reachEpoch(alice, bob, 2)
    const state = sessionOf(bob).ratchet
    const ek = sodium.mlkem768KeyPair(new Uint8Array(64)).publicKey
    const make = (epoch: number, kind: 'ek' | 'ct', index = 0): Uint8Array =>
      encodeChunk({ epoch, kind, tag: new Uint8Array(8) }, ek, { index, chunkBytes: LIMITS.pqChunkBytes })
    const take = (chunk: Uint8Array) => takeChunk(sodium, state, { chunk, parameters: PQ_PARAMETERS })
    expect(state.pq.phase.kind).toBe('idle')
    for (const epoch of [0, 1, 2, 4, 5, 0xffffffff]) expect(take(make(epoch, 'ek'))).toBe(state)
    const right = make(3, 'ek')
    for (const wrong of [make(3, 'ct'), make(3, 'ek', 7), right.subarray(1), right.subarray(0, 100), right.subarray(0, 13), new Uint8Array(0)]) {
      expect(take(wrong)).toBe(state)
    }
    expect(take(right).pq.phase.kind).toBe('collecting')
    expect(take(make(3, 'ek', 6)).pq.phase.kind).toBe('collecting')
  })
})

describe('an ML-KEM key that is none', () => {
  test('modulus check: a coefficient of q is not encapsulated to, and no message suffers', () => {
    world.now += DAY
    exchange(alice, bob)
    patchPq(alice, (pq) => {
      if (pq.phase.kind !== 'offering') throw new Error('no key is offered')
      const ek = pq.phase.ek.slice()
      ek.set([0x01, 0x0d], 0) // the first coefficient is 3329
      const named = sodium.blake2b(64, pqTranscript(sessionOf(alice).ratchet.th, 1, ek))
      return { ...pq, phase: { ...pq.phase, ek, tag: named.slice(0, 8), next: 0 } }
    })
    for (let i = 0; i < 20; i++) {
      exchange(alice, bob, `a${i}`)
      exchange(bob, alice, `b${i}`)
      expect(['idle', 'collecting']).toContain(pqOf(bob).phase.kind)
    }
    expect(pqOf(alice).epoch).toBe(0)
  })
})

/** T("SC1/pq", th, u32 e, ek), written out. */
function pqTranscript(th: Uint8Array, epoch: number, ek: Uint8Array): Uint8Array {
  const field = (bytes: Uint8Array): Buffer => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  return new Uint8Array(Buffer.concat([Buffer.from('\u0006SC1/pq\u0000\u0003', 'latin1'), field(th), field(Uint8Array.of(0, 0, 0, epoch)), field(ek)]))
}

describe('stored records', () => {
  /** A record for every phase of either side. */
  function phases(): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>()
    const note = (person: Person): void => {
      const { phase } = pqOf(person)
      const kind = phase.kind === 'offering' && phase.answer ? 'offering with an answer' : phase.kind
      if (!found.has(kind)) found.set(kind, encodeSession(recordOf(person)))
    }
    world.now += DAY
    for (let i = 0; i < 20; i++) {
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        exchange(from, to)
        note(alice)
        note(bob)
      }
    }
    return found
  }

  test('come back in every phase; damage is typed or comes back too', () => {
    const found = phases()
    expect([...found.keys()].sort()).toEqual(['answering', 'asked', 'collecting', 'idle', 'offering', 'offering with an answer', 'ready'])
    for (const [kind, bytes] of found) {
      expect(hex(encodeSession(decodeSession(bytes))), kind).toBe(hex(bytes))
      for (let i = 0; i < bytes.length; i += 1) {
        const changed = bytes.slice()
        changed[i] = (changed[i] as number) ^ 0x47
        let again: string
        try {
          again = hex(encodeSession(decodeSession(changed)))
        } catch {
          expect(['storage/corrupt', 'protocol/unsupported-version'], `${kind}, byte ${i}`).toContain(codeOf(() => decodeSession(changed)))
          continue
        }
        expect(again, `${kind}, byte ${i}`).toBe(hex(changed))
      }
      for (let length = 0; length < bytes.length; length += 3) {
        expect(['storage/corrupt', 'protocol/unsupported-version']).toContain(codeOf(() => decodeSession(bytes.subarray(0, length))))
      }
    }
  })

  test('a conversation that is stored and read back after every step gets its epochs all the same', () => {
    world.now += DAY
    for (let i = 0; i < 60; i++) {
      const [from, to] = i % 2 === 0 ? [alice, bob] : [bob, alice]
      exchange(from, to)
      for (const person of [alice, bob]) person.record = decodeSession(encodeSession(recordOf(person)))
    }
    expect(pqOf(alice).epoch).toBeGreaterThan(0)
    expect(pqOf(alice).epoch).toBe(pqOf(bob).epoch)
  })
})
