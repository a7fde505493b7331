import { equalPublicBytes as isSame, isSecureChatError } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { generateAgreementKeys } from '../../src/identity/keys.js'
import type { CryptoDeps } from '../../src/index.js'
import { PQ_PARAMETERS, type PqParameters } from '../../src/pq/parameters.js'
import { takeChunk } from '../../src/pq/receive.js'
import type { PqState } from '../../src/pq/state.js'
import { receiveStep } from '../../src/ratchet/receive.js'
import { type SendStep, sendStep } from '../../src/ratchet/send.js'
import { startInitiator, startResponder } from '../../src/ratchet/start.js'
import type { RatchetState } from '../../src/ratchet/state.js'
import { Secret } from '../../src/secret.js'
import { mixedBy } from '../support/pq.js'
import { toyHash, toyProvider } from '../support/toy-provider.js'

/**
 * Every interleaving of two parties with at most three messages in flight, each of which may be lost, come in any order and come again. It is the real
 * ratchet with small parameters: two chunks an object and a gap of one message. States that can only differ in what they will never
 * use again (counters, keys of lost messages, names of keys) are visited once; what the merging relies on is asserted in every state before it
 * is merged. So the search ends by itself, without a bound on the depth, where both have mixed two epochs.
 */
const PARAMETERS: PqParameters = {
  ...PQ_PARAMETERS,
  chunkBytes: 592,
  gapMessages: 1,
  gapTime: Number.POSITIVE_INFINITY,
  chunksPerChain: Number.POSITIVE_INFINITY,
}
const IN_FLIGHT = 3
const GOAL = 2
/** Of the sender's newest: an older chain may have been forgotten by the receiver, so the message counts as lost. */
const OLDEST_CHAIN = 3

type Side = 0 | 1
interface Message {
  readonly from: Side
  /** How many sending chains the sender had begun. */
  readonly chain: number
  readonly sent: SendStep
}
interface Party {
  readonly ratchet: RatchetState
  readonly chains: number
  readonly draws: number
  /** The secret of each epoch mixed. */
  readonly mixed: readonly string[]
}
interface World {
  readonly parties: readonly [Party, Party]
  readonly flight: readonly Message[]
  /** The last ones delivered: they come again. */
  readonly old: readonly Message[]
}

// Hundreds of thousands of refusals are provoked; nobody reads where.
Error.stackTraceLimit = 0

const u32 = (n: number): Uint8Array => new Uint8Array(new Uint32Array([n]).buffer)

/** Depends on the party's own history alone, so that interleavings meet again. */
function depsOf(side: Side, from: number): { deps: CryptoDeps; draws: () => number } {
  let draws = from
  return { deps: { provider: toyProvider, random: (length) => toyHash(length, u32(side + 1), u32(++draws)), now: 0 }, draws: () => draws }
}

function start(): World {
  const [th, rootKey] = [toyHash(64, u32(7)), new Secret(toyHash(32, u32(8)))]
  const { deps, draws } = depsOf(0, 0)
  const signedPreKey = generateAgreementKeys(depsOf(1, 0).deps)
  const initiator = startInitiator(deps, { th, rootKey, signedPreKey: signedPreKey.publicKey })
  const responder = startResponder(0, { th, rootKey, signedPreKey })
  return {
    parties: [
      { ratchet: initiator, chains: 1, draws: draws(), mixed: [] },
      { ratchet: responder, chains: 0, draws: 1, mixed: [] },
    ],
    flight: [],
    old: [],
  }
}

const replaced = ({ parties }: World, side: Side, party: Party): [Party, Party] => (side === 0 ? [party, parties[1]] : [parties[0], party])
const noteMixed = (party: Party, before: PqState, after: PqState): readonly string[] => {
  const secret = mixedBy(before, after)
  return secret === null ? party.mixed : [...party.mixed, secret]
}

function send(world: World, side: Side, lost: boolean): World | null {
  const party = world.parties[side]
  if (!party.ratchet.send && !party.ratchet.remote) return null
  if (!lost && world.flight.length >= IN_FLIGHT) return null
  const { deps, draws } = depsOf(side, party.draws)
  const sent = sendStep(deps, party.ratchet, PARAMETERS)
  const chains = party.chains + (sent.counter === 0 && party.ratchet.send?.next !== 0 ? 1 : 0)
  const after: Party = { ratchet: sent.state, chains, draws: draws(), mixed: noteMixed(party, party.ratchet.pq, sent.state.pq) }
  const flight = world.flight.filter(({ from, chain }) => from !== side || chains - chain <= OLDEST_CHAIN)
  return { ...world, parties: replaced(world, side, after), flight: lost ? flight : [...flight, { from: side, chain: chains, sent }] }
}

/** `marked` is what the header says: another value than the sent one is a change on the way, which the AEAD notices if the key does not. */
function receive(ratchet: RatchetState, { sent }: Message, marked = sent.pqEpoch): RatchetState {
  const { state } = receiveStep(toyProvider, ratchet, {
    ratchetKey: sent.ratchetKey,
    previousChainLength: sent.previousChainLength,
    counter: sent.counter,
    pqEpoch: marked,
    now: 0,
    open: (messageKey) => {
      if (!isSame(messageKey.expose(), sent.messageKey.expose()) || marked !== sent.pqEpoch) throw new Error('another key')
    },
  })
  return sent.chunk ? takeChunk(toyProvider, state, { chunk: sent.chunk, parameters: PARAMETERS }) : state
}

function refused(action: () => unknown): boolean {
  try {
    action()
  } catch (error) {
    return isSecureChatError(error) || (error as Error).message === 'another key'
  }
  return false
}

function deliver(world: World, index: number): World {
  const message = world.flight[index] as Message
  const side: Side = message.from === 0 ? 1 : 0
  const party = world.parties[side]
  const { pqEpoch } = message.sent
  for (const forged of pqEpoch === 0 ? [party.ratchet.pq.epoch + 1] : [0, pqEpoch + 1]) {
    if (!refused(() => receive(party.ratchet, message, forged))) throw new Error('a changed epoch was believed')
  }
  const ratchet = receive(party.ratchet, message)
  for (const again of [message, ...world.old]) {
    if (again.from === message.from && !refused(() => receive(ratchet, again))) throw new Error('a message was read twice')
  }
  return {
    parties: replaced(world, side, { ...party, ratchet, mixed: noteMixed(party, party.ratchet.pq, ratchet.pq) }),
    flight: world.flight.filter((_, i) => i !== index),
    old: [message, ...world.old].slice(0, 3),
  }
}

/** What is asserted of every state, and what merging states relies on: whatever both hold of one epoch is the same. */
function check({ parties }: World): void {
  const [a, b] = parties
  const shared = Math.min(a.mixed.length, b.mixed.length)
  const longer = a.mixed.length > b.mixed.length ? a.mixed : b.mixed
  const fail = (what: string): never => {
    throw new Error(what)
  }
  if (Math.abs(a.mixed.length - b.mixed.length) > 1) fail('a side is two epochs ahead')
  for (let i = 0; i < shared; i++) if (a.mixed[i] !== b.mixed[i]) fail('an epoch has two secrets')
  if (new Set(longer).size !== longer.length) fail('a secret was mixed twice')
  for (const { ratchet, mixed } of parties) if (ratchet.pq.epoch !== mixed.length) fail('an epoch without mixing')
  const phases = parties.map(({ ratchet }) => ratchet.pq.phase)
  for (const [one, other] of [phases, [...phases].reverse()]) {
    if (one?.kind === 'ready' && other?.kind === 'answering' && !isSame(one.secret.expose(), other.secret.expose())) fail('the secrets differ')
    if (one?.kind === 'ready' && other?.kind !== 'answering') fail('the answer is gone before it was mixed')
    if (one?.kind === 'offering' && other?.kind === 'collecting' && !isSame(one.tag, other.question.tag)) fail('a key that nobody offers')
    if (one?.kind === 'offering' && one.answer && (other?.kind !== 'answering' || !isSame(one.answer.tag, other.h.subarray(0, 8))))
      fail('an answer that nobody gives')
    if (one?.kind === 'offering' && other?.kind === 'asked' && !isSame(one.ek, other.ek)) fail('another key')
  }
}

const phaseKey = ({ phase }: PqState): string => {
  switch (phase.kind) {
    case 'offering':
      return `o${phase.next}${phase.answer?.have ?? 0}`
    case 'collecting':
      return `c${phase.question.have}`
    case 'answering':
      return `a${phase.next}`
    default:
      return phase.kind
  }
}

/** All that decides what can still happen. Chains are named relative to the newest of their side. */
function keyOf({ parties, flight }: World): string {
  const sides = parties.map(({ ratchet, chains }, side) => {
    const { pq, send, own, receive: known } = ratchet
    const newest = parties[side === 0 ? 1 : 0].ratchet.own?.publicKey
    // Whether the peer's newest chain is known here; the ones before it follow from that.
    const current = newest !== undefined && known.some(({ ratchetKey }) => isSame(ratchetKey, newest))
    return [
      pq.epoch,
      phaseKey(pq),
      pq.sends + (send?.next ?? 0) > 0 ? 1 : 0,
      send?.pqEpoch ?? '-',
      own ? 1 : 0,
      current ? 1 : 0,
      Math.min(known.length, 2),
      Math.min(chains, 1),
    ].join()
  })
  const messages = flight.map(({ from, chain, sent }) => {
    const age = parties[from].chains - chain
    return `${from},${age},${sent.pqEpoch},${sent.chunk ? `${sent.chunk[3]}.${sent.chunk[4]}.${sent.chunk[5]}` : '-'}`
  })
  return `${sides.join('|')}|${messages.sort().join('|')}`
}

const isGoal = ({ parties }: World): boolean => parties.every(({ mixed }) => mixed.length >= GOAL)

function explore() {
  const first = start()
  const numbers = new Map<string, number>([[keyOf(first), 0]])
  const into: number[][] = [[]]
  const goals: number[] = []
  let steps = 0
  let depth = 0
  let layer: [number, World][] = [[0, first]]
  while (layer.length > 0) {
    const next: [number, World][] = []
    for (const [number, world] of layer) {
      const successors = [
        send(world, 0, false),
        send(world, 1, false),
        send(world, 0, true),
        send(world, 1, true),
        ...world.flight.map((_, i) => deliver(world, i)),
      ]
      for (const after of successors) {
        if (!after) continue
        steps++
        check(after)
        const key = keyOf(after)
        let known = numbers.get(key)
        if (known === undefined) {
          known = numbers.size
          numbers.set(key, known)
          into.push([])
          if (isGoal(after)) goals.push(known)
          else next.push([known, after])
        }
        into[known]?.push(number)
      }
    }
    layer = next
    depth++
  }
  return { states: numbers.size, steps, depth, goals, into }
}

/** The states from which one of `goals` can be reached. */
function reaching(goals: readonly number[], into: readonly (readonly number[])[]): number {
  const seen = new Set(goals)
  const queue = [...goals]
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    for (const before of into[state] ?? []) {
      if (seen.has(before)) continue
      seen.add(before)
      queue.push(before)
    }
  }
  return seen.size
}

describe('post-quantum ratchet, all interleavings', () => {
  test('never out of step, every epoch secret equal on both sides and mixed once, and from every state the next epochs can be reached', () => {
    const { states, steps, depth, goals, into } = explore()
    expect(depth).toBeGreaterThanOrEqual(14)
    expect(goals.length).toBeGreaterThan(0)
    expect(reaching(goals, into)).toBe(states)
    expect({ states, steps }).toEqual({ states: 170_882, steps: 904_050 })
  }, 300_000)
})
