import { concatBytes, ENVELOPE_FLAGS, isSecureChatError, type KnownEnvelope, LIMITS, parseEnvelope } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type CryptoProvider,
  decodeSession,
  decryptMessage,
  encodeSession,
  encryptMessage,
  type PqState,
  postQuantumStatus,
  type SessionRecord,
} from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, NOTHING, Person, textOf, type World } from '../support/people.js'
import { acquaint, carried, exchange, hex, patchPq, pqOf, reachEpoch, recordOf, sessionOf } from '../support/pq.js'
import { sodium } from '../support/providers.js'

/** Remembers every private X25519 key that was made: what a quantum computer gets from the public ones. Counts agreements. */
function observed() {
  const privateKeys: Uint8Array[] = []
  let agreements = 0
  const provider: CryptoProvider = {
    ...sodium,
    x25519PublicKey(secretKey) {
      privateKeys.push(secretKey.slice())
      return sodium.x25519PublicKey(secretKey)
    },
    x25519(secretKey, publicKey) {
      agreements++
      return sodium.x25519(secretKey, publicKey)
    },
  }
  return { provider, privateKeys, agreements: () => agreements }
}

let watch: ReturnType<typeof observed>
let world: World
let alice: Person
let bob: Person

beforeEach(() => {
  watch = observed()
  world = createWorld(watch.provider, 62)
  alice = new Person(world)
  bob = new Person(world)
  acquaint(alice, bob)
})

/** Refused with `code`, and not a byte of the record has changed. */
function refused(to: Person, from: Person, envelope: Uint8Array): string {
  const before = hex(encodeSession(recordOf(to)))
  const code = codeOf(() => to.decrypt(from, envelope))
  expect(hex(encodeSession(recordOf(to)))).toBe(before)
  return code
}

const RATCHET_END = 4 + 48
const withEpoch = (envelope: Uint8Array, epoch: number): Uint8Array => {
  const header = envelope.slice(0, RATCHET_END)
  header[3] = (header[3] as number) | ENVELOPE_FLAGS.pqEpoch
  const marked = (parseEnvelope(envelope) as KnownEnvelope).ratchet.pqEpoch !== undefined
  return concatBytes(header, Uint8Array.of(0, 0, 0, epoch), envelope.subarray(RATCHET_END + (marked ? 4 : 0)))
}
const withoutEpoch = (envelope: Uint8Array): Uint8Array => {
  const header = envelope.slice(0, RATCHET_END)
  header[3] = (header[3] as number) & ~ENVELOPE_FLAGS.pqEpoch
  return concatBytes(header, envelope.subarray(RATCHET_END + 4))
}

/** Turn by turn until Alice is about to mark a chain with the next epoch. */
function untilReady(): void {
  world.now += DAY
  while (pqOf(alice).phase.kind !== 'ready') {
    exchange(alice, bob)
    exchange(bob, alice)
  }
}

describe('attack 28', () => {
  test('attack 28: downgrade: epoch stripped, raised, lowered or put on an unmarked chain is refused, before any Diffie-Hellman where no secret is held', () => {
    const plain = bob.write(alice, 'plain')
    const before = watch.agreements()
    for (const epoch of [1, 2, 255]) expect(refused(alice, bob, withEpoch(plain, epoch))).toBe('crypto/authentication-failed')
    expect(watch.agreements()).toBe(before)
    expect(alice.read(bob, plain)).toBe('plain')

    untilReady()
    const marked = [alice.write(bob, 'first'), alice.write(bob, 'second')] as const
    for (const envelope of marked) {
      expect((parseEnvelope(envelope) as KnownEnvelope).ratchet.pqEpoch).toBe(1)
      expect(refused(bob, alice, withoutEpoch(envelope))).toBe('crypto/authentication-failed')
      const counted = watch.agreements()
      for (const epoch of [2, 3]) expect(refused(bob, alice, withEpoch(envelope, epoch))).toBe('crypto/authentication-failed')
      expect(refused(bob, alice, withEpoch(envelope, 0))).toBe('protocol/malformed')
      expect(watch.agreements()).toBe(counted)
      expect(bob.read(alice, envelope)).toBe(envelope === marked[0] ? 'first' : 'second')
    }
    // And in a chain that is known already.
    const third = alice.write(bob, 'third')
    expect(refused(bob, alice, withoutEpoch(third))).toBe('crypto/authentication-failed')
    expect(refused(bob, alice, withEpoch(third, 2))).toBe('crypto/authentication-failed')
    expect(bob.read(alice, third)).toBe('third')
    expect(pqOf(bob).epoch).toBe(1)
  })

  test('attack 28: a peer that marks a message of an unmarked chain, or leaves the mark out, is refused', () => {
    untilReady()
    const genuine = alice.record
    exchange(alice, bob)
    const { send } = sessionOf(alice).ratchet
    for (const pqEpoch of [0, 2]) {
      const ratchet = { ...sessionOf(alice).ratchet, send: send && { ...send, pqEpoch } }
      const record = recordOf(alice)
      alice.record = { ...record, sessions: record.sessions.map((session) => (session === sessionOf(alice) ? { ...session, ratchet } : session)) }
      expect(refused(bob, alice, alice.write(bob, 'x'))).toBe('crypto/authentication-failed')
      alice.record = record
    }
    exchange(alice, bob)
    expect(alice.record).not.toBe(genuine)
  })

  test('attack 28: stall: whoever withholds the messages with chunks is noticed after 14 days, and everything else is read', () => {
    const stalled: boolean[] = []
    const daily = (withhold: boolean): void => {
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        for (let i = 0; i < 20; i++) {
          const before = pqOf(from)
          const envelope = from.write(to, `${i}`)
          if (withhold && carried(before, pqOf(from))) continue
          const result = to.decrypt(from, envelope)
          expect(textOf(result.plaintext.common)).toBe(`${i}`)
          if (i === 19) stalled.push(result.pqStalled)
        }
      }
      world.now += DAY
    }
    for (let day = 0; day < LIMITS.pqStallDays; day++) daily(true)
    expect(stalled).not.toContain(true)
    daily(true)
    expect(stalled.slice(-2)).toEqual([true, true])
    expect(postQuantumStatus(recordOf(alice), world.now)).toMatchObject({ epoch: 0, stalled: true })
    // Once it ends the epoch comes, and the signal goes.
    for (let day = 0; day < 3; day++) daily(false)
    expect(pqOf(alice).epoch).toBeGreaterThan(0)
    expect(stalled.slice(-2)).toEqual([false, false])
  })

  test('attack 28: stall: a peer that never answers is noticed, a quiet conversation is not', () => {
    const turnAround = (): boolean => {
      exchange(alice, bob)
      patchPq(bob, (pq): PqState => ({ ...pq, phase: { kind: 'idle' } }))
      return alice.decrypt(bob, bob.write(alice, 'x')).pqStalled
    }
    world.now += 100 * DAY
    expect(turnAround()).toBe(false)
    const told: boolean[] = []
    for (let i = 0; i < LIMITS.pqStallChunks + 2; i++) told.push(turnAround())
    // One message each way gave the greeting, one the turn above.
    expect(told.indexOf(true)).toBe(LIMITS.pqStallChunks - 2)
  })

  test('attack 28: mixed chunks: chunks of two keys are never put together, and with one key the epoch comes', () => {
    world.now += DAY
    exchange(alice, bob)
    exchange(bob, alice)
    const offered = pqOf(alice).phase
    if (offered.kind !== 'offering') throw new Error('a key is offered')
    const other = sodium.mlkem768KeyPair(new Uint8Array(64).fill(9)).publicKey
    for (let i = 0; i < 30; i++) {
      // Under the name of the offered key, and under its own.
      patchPq(alice, (pq) => ({
        ...pq,
        phase: { ...offered, next: i % 7, ek: i % 2 ? other : offered.ek, tag: i % 3 ? offered.tag : new Uint8Array(8).fill(i) },
      }))
      exchange(alice, bob, `a${i}`)
      exchange(bob, alice, `b${i}`)
      expect(['idle', 'collecting']).toContain(pqOf(bob).phase.kind)
    }
    patchPq(alice, (pq) => ({ ...pq, phase: offered }))
    reachEpoch(alice, bob, 1)
    for (let i = 0; i < 5; i++) {
      exchange(alice, bob)
      exchange(bob, alice)
    }
  })

  test('attack 28: mixed chunks: an answer to another key is not taken for one to ours', () => {
    world.now += DAY
    while (pqOf(bob).phase.kind !== 'answering') {
      exchange(alice, bob)
      exchange(bob, alice)
    }
    const answer = pqOf(bob).phase
    if (answer.kind !== 'answering') throw new Error('it was answered')
    const other = sodium.mlkem768Encapsulate(sodium.mlkem768KeyPair(new Uint8Array(64).fill(9)).publicKey, new Uint8Array(32))
    patchPq(bob, (pq) => ({ ...pq, phase: { ...answer, ct: other.ciphertext, next: 0 } }))
    for (let i = 0; i < 20; i++) {
      exchange(alice, bob)
      exchange(bob, alice)
      expect(pqOf(alice).phase.kind).toBe('offering')
    }
    patchPq(bob, (pq) => ({ ...pq, phase: answer }))
    reachEpoch(alice, bob, 1)
    exchange(alice, bob)
  })
})

/**
 * Whoever has Bob's whole state of some moment, reads every envelope, and gets every private X25519 key that is made later and everything that is
 * public about the epochs (ek, ct, h). The only thing kept from it are Bob's later draws for ML-KEM. It runs Bob's own code.
 */
class Eavesdropper {
  record: SessionRecord

  constructor() {
    this.record = decodeSession(encodeSession(recordOf(bob)))
  }

  /** After Bob has sent: takes the same step with Bob's ratchet key and with draws of its own for the rest. */
  follow(madeKeys: readonly Uint8Array[]): void {
    const keys = [...madeKeys]
    const random = (length: number): Uint8Array => (length === 32 && keys.length > 0 ? (keys.shift() as Uint8Array) : new Uint8Array(length).fill(0xee))
    const plaintext = { common: NOTHING, perSession: NOTHING }
    const deps = { provider: sodium, random, now: world.now }
    this.record = encryptMessage(deps, { record: this.record, local: bob.local(), remote: alice.remote(), plaintext }).record
    this.#learnPublicParts()
  }

  /** ek and ct travel in messages that it can read; seed and ss stay its own. */
  #learnPublicParts(): void {
    const genuine = pqOf(bob)
    const sessions = this.record.sessions.map((session) => {
      const { pq } = session.ratchet
      const mine = pq.phase
      const theirs = genuine.phase
      let phase = mine
      if (mine.kind === 'offering' && theirs.kind === 'offering') phase = { ...theirs, seed: mine.seed }
      if (mine.kind === 'answering' && theirs.kind === 'answering') phase = { ...theirs, secret: mine.secret }
      return pq.epoch === genuine.epoch ? { ...session, ratchet: { ...session.ratchet, pq: { ...pq, phase } } } : session
    })
    this.record = { ...this.record, sessions }
  }

  /** The text, or null where the keys do not fit. */
  read(envelope: Uint8Array): string | null {
    let text: string | null = null
    const input = { record: this.record, local: bob.local(), remote: alice.remote(), envelope, preKeys: {} }
    const failure = codeOfOrNone(() => {
      const result = decryptMessage({ provider: sodium, now: world.now }, input)
      this.record = result.record
      text = textOf(result.plaintext.common)
    })
    expect([null, 'crypto/authentication-failed']).toContain(failure)
    return text
  }
}

function codeOfOrNone(action: () => void): string | null {
  try {
    action()
    return null
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
}

/** Alice and Bob go on; gives what the eavesdropper read of Alice's messages, turn by turn, until both have mixed `epoch`. */
function listenUntil(eve: Eavesdropper, epoch: number): (string | null)[] {
  const heard: (string | null)[] = []
  for (let i = 0; pqOf(bob).epoch < epoch || pqOf(alice).epoch < epoch; i++) {
    if (i > 200) throw new Error('the epoch does not come')
    const from = watch.privateKeys.length
    const answer = bob.write(alice, `b${i}`)
    eve.follow(watch.privateKeys.slice(from))
    alice.read(bob, answer)
    const envelope = alice.write(bob, `a${i}`)
    heard.push(eve.read(envelope))
    bob.read(alice, envelope)
  }
  return heard
}

describe('attack 30', () => {
  test('attack 30: with the state of one moment no older ciphertext is readable, on either side, whatever happened before', () => {
    const sent: { readonly to: Person; readonly from: Person; readonly envelope: Uint8Array }[] = []
    for (let i = 0; i < 80; i++) {
      const [from, to] = i % 3 === 0 ? [bob, alice] : [alice, bob]
      const envelope = from.write(to, `secret ${i}`)
      sent.push({ from, to, envelope })
      to.read(from, envelope)
    }
    expect(pqOf(bob).epoch).toBeGreaterThan(0)
    const dumped = { alice: encodeSession(recordOf(alice)), bob: encodeSession(recordOf(bob)) }
    for (const { from, to, envelope } of sent) {
      to.record = decodeSession(to === alice ? dumped.alice : dumped.bob)
      expect(['crypto/duplicate-message', 'crypto/authentication-failed']).toContain(codeOf(() => to.tryDecrypt(from, envelope)))
    }
  })

  test('attack 30: nor does any key of an earlier moment remain in the state of either side', () => {
    world.now += DAY
    const earlier = new Set<string>()
    const note = (person: Person): void => {
      const { rootKey, own, send, receive, pq } = sessionOf(person).ratchet
      const { phase } = pq
      const held = [rootKey, own?.secretKey, send?.chainKey, ...receive.map(({ chainKey }) => chainKey)]
      if (phase.kind === 'offering') held.push(phase.seed)
      if (phase.kind === 'ready' || phase.kind === 'answering') held.push(phase.secret)
      for (const secret of held) if (secret) earlier.add(hex(secret.expose()))
    }
    while (pqOf(bob).epoch < 2) {
      exchange(alice, bob)
      note(alice)
      note(bob)
      if (pqOf(bob).epoch < 2) exchange(bob, alice)
    }
    for (let i = 0; i < 2; i++) {
      exchange(alice, bob)
      exchange(bob, alice)
    }
    expect(earlier.size).toBeGreaterThan(60)
    const dumps = [alice, bob].map((person) => hex(encodeSession(recordOf(person)))).join()
    for (const secret of earlier) expect(dumps).not.toContain(secret)
  })

  test('attack 30: the dumped state reads what follows, until one DH turn each way has shut it out', () => {
    const dump = encodeSession(recordOf(bob))
    const eve = (envelope: Uint8Array): string => {
      const input = { record: decodeSession(dump), local: bob.local(), remote: alice.remote(), envelope, preKeys: {} }
      return codeOfOrNone(() => void decryptMessage({ provider: sodium, now: world.now }, input)) ?? 'read'
    }
    const before = alice.write(bob, 'before the turn')
    expect(eve(before)).toBe('read')
    bob.read(alice, before)
    exchange(bob, alice)
    const after = alice.write(bob, 'after the turn')
    expect(eve(after)).toBe('crypto/authentication-failed')
    bob.read(alice, after)
  })

  test('attack 30: against a quantum computer one epoch begun after the dump heals, whichever side sends the key', () => {
    for (const epoch of [1, 2]) {
      exchange(alice, bob)
      const eve = new Eavesdropper()
      expect(pqOf(bob)).toMatchObject({ epoch: epoch - 1, phase: { kind: 'idle' } })
      world.now += DAY
      const heard = listenUntil(eve, epoch)
      // Diffie-Hellman alone does not help: everything is read up to the marked chain.
      const lost = heard.indexOf(null)
      expect(lost).toBeGreaterThan(5)
      expect(heard.slice(0, lost)).toEqual(heard.slice(0, lost).map((_, i) => `a${i}`))
      expect(heard.slice(lost).every((text) => text === null)).toBe(true)
      expect(heard.length - lost).toBeLessThanOrEqual(1)
      for (let i = 0; i < 3; i++) {
        exchange(bob, alice)
        const envelope = alice.write(bob, 'healed')
        expect(eve.read(envelope)).toBeNull()
        bob.read(alice, envelope)
      }
    }
  })

  test('attack 30: an epoch that had begun before the dump does not heal, the next one does', () => {
    world.now += DAY
    while (pqOf(bob).phase.kind !== 'answering') {
      exchange(alice, bob)
      exchange(bob, alice)
    }
    exchange(alice, bob)
    const eve = new Eavesdropper()
    expect(listenUntil(eve, 1)).not.toContain(null)
    world.now += DAY
    expect(listenUntil(eve, 2)).toContain(null)
  })
})
