import { isSecureChatError } from '@securechat/protocol'
import { decodeSession, encodeSession, paddedLength } from '../../src/index.js'
import { createWorld, Person } from './people.js'
import { acquaint, carried, mixedBy, pqOf, recordOf, sessionOf } from './pq.js'
import { sodium } from './providers.js'

export interface Schedule {
  readonly seed: number
  /** Messages written by both together. */
  readonly messages: number
  /** Of a hundred messages, how many are lost, come twice, or wait for later ones. */
  readonly lost: number
  readonly doubled: number
  readonly delayed: number
  /** Most messages that one side writes before it is the other's turn. */
  readonly burst: number
  /** Milliseconds between two messages at most. */
  readonly pause?: number
}

export interface Simulated {
  /** Secrets that each side has mixed, in order. */
  readonly mixed: readonly [string[], string[]]
  readonly delivered: number
  readonly messages: number
  readonly chunks: number
  /** What the post-quantum ratchet has added to all envelopes. */
  readonly extraBytes: number
  readonly stalled: boolean
}

/** Bytes of `T("SC1/plaintext", common, T("SC1/per-session", …, nothing))` around `common`. */
const AROUND = 142
/** A chunk's field in a transcript: its length, its frame. */
const CHUNK_FIELD = 4 + 14

const chunkLength = (object: Uint8Array, index: number): number => Math.min(176, object.length - 176 * index)

/** A whole conversation at full scale over a bad network, both sides stored and read back now and then. Every message that arrives has to be read. */
export function simulate({ seed, messages, lost, doubled, delayed, burst, pause = 60_000 }: Schedule): Simulated {
  const world = createWorld(sodium, seed)
  const people = [new Person(world), new Person(world)] as const
  acquaint(...people)
  const below = (n: number): number => (((world.random(2)[0] as number) << 8) | (world.random(2)[1] as number)) % n
  const queues: [Uint8Array[], Uint8Array[]] = [[], []]
  const mixed: [string[], string[]] = [[], []]
  const seen = new Set<string>()
  let [delivered, chunks, extraBytes, stalled] = [0, 0, 0, false]

  const note = (side: 0 | 1, before: ReturnType<typeof pqOf>): void => {
    const secret = mixedBy(before, pqOf(people[side]))
    if (secret !== null) mixed[side].push(secret)
  }
  const write = (side: 0 | 1): void => {
    const [me, to] = [people[side], people[side === 0 ? 1 : 0]]
    const before = pqOf(me)
    const common = 'x'.repeat(150 + below(150))
    const envelope = me.write(to, common)
    const { pq, send } = sessionOf(me).ratchet
    note(side, before)
    if ((send?.pqEpoch ?? 0) > 0) extraBytes += 4
    if (carried(before, pq) && (pq.phase.kind === 'offering' || pq.phase.kind === 'answering')) {
      chunks++
      const object = pq.phase.kind === 'offering' ? pq.phase.ek : pq.phase.ct
      const plain = AROUND + common.length
      extraBytes += paddedLength(plain + CHUNK_FIELD + chunkLength(object, (pq.phase.next + 6) % 7)) - paddedLength(plain)
    }
    if (below(100) >= lost) queues[side === 0 ? 1 : 0].push(envelope)
  }
  const read = (side: 0 | 1, envelope: Uint8Array): void => {
    const [me, from] = [people[side], people[side === 0 ? 1 : 0]]
    const before = pqOf(me)
    const name = Buffer.from(envelope.subarray(-32)).toString('hex')
    try {
      stalled = me.decrypt(from, envelope).pqStalled
      if (seen.has(name)) throw new Error('read twice')
      seen.add(name)
      delivered++
    } catch (error) {
      if (!seen.has(name) || !isSecureChatError(error, 'crypto/duplicate-message')) throw error
    }
    note(side, before)
  }
  const readAll = (side: 0 | 1): void => {
    const waiting: Uint8Array[] = []
    for (let envelope = queues[side].shift(); envelope; envelope = queues[side].shift()) {
      if (below(100) < delayed) {
        waiting.push(envelope)
        continue
      }
      read(side, envelope)
      if (below(100) < doubled) read(side, envelope)
    }
    queues[side].push(...waiting)
  }

  for (let written = 0, side: 0 | 1 = 0; written < messages; side = side === 0 ? 1 : 0) {
    for (let n = 1 + below(burst); n > 0 && written < messages; n--, written++) {
      world.now += below(pause)
      write(side)
    }
    readAll(side === 0 ? 1 : 0)
    const person = people[side]
    if (below(10) === 0) person.record = decodeSession(encodeSession(recordOf(person)))
  }
  return { mixed, delivered, messages, chunks, extraBytes, stalled }
}
