import { type ErrorCode, isSecureChatError, LIMITS } from '@securechat/protocol'
import { expect } from 'vitest'
import { type CryptoProvider, decodeSession, encodeSession, generatePreKeys, needsBundle, type SessionRecord, sendingSession } from '../../src/index.js'
import { createWorld, DAY, Person } from '../support/people.js'

export type Side = 'alice' | 'bob'
export const SIDES = ['alice', 'bob'] as const
export const other = (side: Side): Side => (side === 'alice' ? 'bob' : 'alice')

/** An envelope that its sender has committed: its outbox keeps it, so it may be sent any number of times. */
export interface Sent {
  readonly envelope: Uint8Array
  readonly text: string
  readonly to: Side
  readonly sentAt: number
}

/** What an old message may be refused with, where skipped keys, prekeys or a superseded session were erased meanwhile. */
const TOO_OLD: readonly ErrorCode[] = ['crypto/no-session', 'crypto/duplicate-message', 'crypto/unknown-prekey', 'crypto/replayed-handshake']
/** A new message too may come on a session that its reader has erased, where weeks have passed without an answer. */
const FORGOTTEN: readonly ErrorCode[] = ['crypto/no-session']
/** The shortest of the limits by age is 14 days (skipped keys, superseded sessions). */
const ALWAYS_READABLE = 13 * DAY
const HOUR = 3_600_000

/** Fails when a key is used with one nonce for two plaintexts, discarded encryptions included. */
function withLedger(provider: CryptoProvider): CryptoProvider {
  const used = new Map<string, string>()
  return {
    ...provider,
    aeadSeal(key, nonce, message) {
      const place = `${Buffer.from(key).toString('latin1')}${Buffer.from(nonce).toString('latin1')}`
      const plaintext = Buffer.from(message.data).toString('latin1')
      expect(used.get(place) ?? plaintext, 'one key and nonce, two plaintexts').toBe(plaintext)
      used.set(place, plaintext)
      return provider.aeadSeal(key, nonce, message)
    },
  }
}

/**
 * Two devices over a network that does what it likes, a third that should never read anything, and the books: what was written, what is under way, what was
 * read how often. Every operation checks what must hold; nothing here knows how sessions work.
 */
export class ConversationSystem {
  readonly world
  readonly people: Record<Side, Person>
  readonly stranger: Person
  readonly underWay: Record<Side, Sent[]> = { alice: [], bob: [] }
  readonly delivered: Record<Side, Sent[]> = { alice: [], bob: [] }
  readonly read: Record<Side, Map<string, number>> = { alice: new Map(), bob: new Map() }
  /** Healings that were needed, because weeks had passed. */
  healed = 0
  readonly #healedAt: Record<Side, number> = { alice: 0, bob: 0 }
  /** Time that has passed in all, in ms. */
  #passed = 0
  #written = 0
  #heals = 0

  constructor(provider: CryptoProvider, seed: number) {
    this.world = createWorld(withLedger(provider), seed)
    this.people = { alice: new Person(this.world, { oneTime: 1 }), bob: new Person(this.world, { oneTime: 1 }) }
    this.stranger = new Person(this.world, { oneTime: 0 })
  }

  /** Writes and commits; `crash` dies before the commit, so that nothing is sent and the old state goes on. */
  write(from: Side, { crash = false, heal = false }: { crash?: boolean; heal?: boolean } = {}): void {
    const me = this.people[from]
    const peer = this.people[other(from)]
    const before = me.record
    // Five sessions are kept: healing more often would rightly lose what is still under way on the oldest.
    const newSession = heal && this.#heals < 2
    if (newSession) this.#heals++
    const text = `${from} ${this.#written++}`
    const needed = newSession || needsBundle(me.record, { now: this.world.now })
    const { envelope } = me.encrypt(peer, text, { ...(newSession && { newSession }), ...(needed && { bundle: peer.bundle() }) })
    if (crash) {
      me.record = before
      return
    }
    this.underWay[other(from)].push({ envelope, text, to: other(from), sentAt: this.world.now })
  }

  pick(to: Side, index: number): Sent | undefined {
    const queue = this.underWay[to]
    return queue[index % queue.length]
  }

  /** The network hands one envelope over; `keep` leaves it under way, as after a lost acknowledgement. `crash` dies before the commit. */
  deliver(sent: Sent, { keep = false, crash = false }: { keep?: boolean; crash?: boolean } = {}): void {
    const { to, envelope, text } = sent
    const me = this.people[to]
    const from = this.people[other(to)]
    const had = this.read[to].get(text) ?? 0
    try {
      if (crash) return void me.tryDecrypt(from, envelope)
      expect(me.read(from, envelope)).toBe(text)
      this.read[to].set(text, had + 1)
      expect(had, `${text} was read twice`).toBe(0)
    } catch (error) {
      if (!isSecureChatError(error)) throw error
      const old = this.world.now - sent.sentAt > ALWAYS_READABLE
      const tolerated = old ? TOO_OLD : this.#passed > ALWAYS_READABLE ? FORGOTTEN : []
      const expected = had === 1 ? ['crypto/duplicate-message', 'crypto/replayed-handshake', ...tolerated] : tolerated
      expect(expected, `${text}, read ${had} times before`).toContain(error.code)
      // Never read and too old: its sender heals and sends it again, which must succeed.
      if (had === 0 && !crash) this.#sendAgain(sent)
    }
    if (!keep && !crash) this.#arrived(sent)
  }

  #arrived(sent: Sent): void {
    const queue = this.underWay[sent.to]
    const at = queue.indexOf(sent)
    if (at >= 0) queue.splice(at, 1)
    this.delivered[sent.to].push(sent)
  }

  /**
   * Healing: over a fresh handshake of the next generation, of which there is at most one an hour; what else is asked for meanwhile goes over the session that is
   * sent on. Where the reader has none for that either, because two handshakes of one generation crossed, the next hour's request makes the next generation.
   */
  #sendAgain({ to, text }: Sent): void {
    const from = other(to)
    const due = () => this.world.now - this.#healedAt[from] >= HOUR
    const send = () => {
      const newSession = due()
      if (newSession) {
        this.healed++
        this.#healedAt[from] = this.world.now
      }
      const me = this.people[from]
      const needed = newSession || needsBundle(me.record, { now: this.world.now })
      const { envelope } = me.encrypt(this.people[to], text, { newSession, ...(needed && { bundle: this.people[to].bundle() }) })
      expect(this.people[to].read(me, envelope)).toBe(text)
    }
    try {
      send()
    } catch (error) {
      if (!isSecureChatError(error, 'crypto/no-session') || due()) throw error
      this.world.now += HOUR
      send()
    }
    this.read[to].set(text, 1)
  }

  lose(sent: Sent): void {
    this.underWay[sent.to].splice(this.underWay[sent.to].indexOf(sent), 1)
    // Lost for good, as after the mailbox' own limit: it is not waited for.
    this.read[sent.to].set(sent.text, this.read[sent.to].get(sent.text) ?? 1)
  }

  /** Something that nobody wrote to `reader` in this form: refused with a typed error, and nothing has changed. */
  refuse(reader: Person, from: Person, bytes: Uint8Array): void {
    const before = reader.record && encodeSession(reader.record)
    let code: ErrorCode | undefined
    try {
      code = undefined
      reader.decrypt(from, bytes)
    } catch (error) {
      if (!isSecureChatError(error)) throw error
      code = error.code
    }
    expect(code, 'a forged envelope was read').toBeDefined()
    expect(reader.record && encodeSession(reader.record)).toEqual(before)
  }

  pass(milliseconds: number): void {
    this.world.now += milliseconds
    this.#passed += Math.max(0, milliseconds)
  }

  /** The process ends and starts again from what it has stored. */
  restart(side: Side): void {
    const person = this.people[side]
    if (!person.record) return
    const bytes = encodeSession(person.record)
    person.record = decodeSession(bytes)
    expect(encodeSession(person.record)).toEqual(bytes)
  }

  rotatePreKeys(side: Side): void {
    const person = this.people[side]
    const { accountId, deviceId, keys } = person
    const firstKeyId = Math.max(...person.privateKeys.keys()) + 1
    const batch = generatePreKeys(this.world.deps(), { accountId, deviceId, deviceKeys: keys, firstKeyId, count: 1 })
    person.signed = batch.signed
    person.lastResort = batch.lastResort
    person.oneTime.push(...batch.oneTime)
    for (const key of [batch.signed, batch.lastResort, ...batch.oneTime]) person.privateKeys.set(key.keyId, key.private)
  }

  /** After every step: the state is bounded, whatever was sent. */
  checkBounds(): void {
    for (const side of SIDES) {
      const { record } = this.people[side]
      if (!record) continue
      expect(record.sessions.length).toBeLessThanOrEqual(LIMITS.sessionsPerPair)
      for (const { ratchet } of record.sessions) {
        expect(ratchet.receive.length).toBeLessThanOrEqual(LIMITS.receiveChains)
        expect(ratchet.receive.reduce((sum, chain) => sum + chain.skipped.length, 0)).toBeLessThanOrEqual(LIMITS.skippedKeys)
      }
    }
  }

  /** The network becomes well: everything under way arrives, and two round trips later both sides send on one session. */
  settle(): void {
    for (let side: Side | undefined = 'alice'; side; side = SIDES.find((name) => this.underWay[name].length > 0)) {
      for (const sent of [...this.underWay[side]]) this.deliver(sent)
    }
    for (const side of SIDES) for (const [text, times] of this.read[side]) expect(times, text).toBe(1)
    const written = this.delivered.alice.length + this.delivered.bob.length
    if (written === 0) return
    for (const side of SIDES) for (const { text } of this.delivered[side]) expect(this.read[side].get(text), text).toBe(1)
    for (let trip = 0, heals = this.healed; trip < 2; trip++) {
      for (const from of SIDES) {
        this.write(from)
        const [sent] = this.underWay[other(from)]
        if (sent) this.deliver(sent)
      }
      // A healing makes a session: the two round trips count from there.
      if (this.healed !== heals) [trip, heals] = [-1, this.healed]
    }
    const chosen = SIDES.map((side) => Buffer.from(sendingSession(this.people[side].record as SessionRecord)?.ratchet.th ?? []).toString('hex'))
    expect(chosen[0], 'both sides send on one session').toBe(chosen[1])
  }
}
