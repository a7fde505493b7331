import { isSecureChatError } from '@securechat/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeSession, encodeSession, sendingSession } from '../../src/index.js'
import { createWorld, Person } from '../support/people.js'
import { sodium } from '../support/providers.js'

type Side = 'alice' | 'bob'
type Step =
  | { readonly type: 'write' | 'restart'; readonly side: Side }
  /** Delivers one queued envelope, chosen by `pick`: that is reordering. `again` leaves it in the queue: duplication. */
  | { readonly type: 'deliver'; readonly side: Side; readonly pick: number; readonly again: boolean }
  | { readonly type: 'tamper'; readonly side: Side; readonly pick: number; readonly at: number }
  | { readonly type: 'heal'; readonly side: Side }

const side = fc.constantFrom<Side>('alice', 'bob')
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ type: fc.constant('write' as const), side }) },
    { weight: 6, arbitrary: fc.record({ type: fc.constant('deliver' as const), side, pick: fc.nat(1000), again: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), side }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('tamper' as const), side, pick: fc.nat(1000), at: fc.nat(5000) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('heal' as const), side }) },
  ),
  { minLength: 5, maxLength: 60 },
)

interface Queued {
  readonly envelope: Uint8Array
  readonly text: string
}

class Run {
  readonly world = createWorld(sodium, 77)
  readonly people: Record<Side, Person> = { alice: new Person(this.world, { oneTime: 2 }), bob: new Person(this.world, { oneTime: 2 }) }
  /** Envelopes on their way to a side. */
  readonly queues: Record<Side, Queued[]> = { alice: [], bob: [] }
  readonly received: Record<Side, Map<string, number>> = { alice: new Map(), bob: new Map() }
  readonly written: Record<Side, string[]> = { alice: [], bob: [] }

  other = (of: Side): Side => (of === 'alice' ? 'bob' : 'alice')

  write(from: Side, newSession: boolean): void {
    const [me, to] = [this.people[from], this.people[this.other(from)]]
    const generation = me.record ? (sendingSession(me.record)?.generation ?? 0) : 0
    // Five sessions are kept: a run that heals more often would rightly lose old messages.
    const heal = newSession && generation < 2
    const text = `${from} ${this.written[from].length}`
    const envelope = me.write(to, text, { ...(heal && { newSession: true }), ...(!me.record || heal ? { bundle: to.bundle() } : {}) })
    this.written[from].push(text)
    this.queues[this.other(from)].push({ envelope, text })
  }

  deliver(to: Side, { pick, again }: { pick: number; again: boolean }): void {
    const queue = this.queues[to]
    if (queue.length === 0) return
    const index = pick % queue.length
    const { envelope, text } = queue[index] as Queued
    if (!again) queue.splice(index, 1)
    const me = this.people[to]
    const from = this.people[this.other(to)]
    const had = this.received[to].get(text) ?? 0
    try {
      expect(me.read(from, envelope)).toBe(text)
      this.received[to].set(text, had + 1)
    } catch (error) {
      // A copy of what was read already, and nothing else, may be refused.
      expect(isSecureChatError(error, 'crypto/duplicate-message'), `${text}: ${String(error)}`).toBe(true)
      expect(had).toBe(1)
    }
  }

  tamper(to: Side, { pick, at }: { pick: number; at: number }): void {
    const queue = this.queues[to]
    if (queue.length === 0) return
    const changed = (queue[pick % queue.length] as Queued).envelope.slice()
    changed[at % changed.length] = (changed[at % changed.length] as number) ^ 0x01
    const me = this.people[to]
    const before = me.record && encodeSession(me.record)
    let failed = false
    try {
      me.decrypt(this.people[this.other(to)], changed)
    } catch (error) {
      failed = isSecureChatError(error)
    }
    expect(failed).toBe(true)
    expect(me.record && encodeSession(me.record)).toEqual(before)
  }

  step(step: Step): void {
    const person = this.people[step.side]
    if (step.type === 'write' || step.type === 'heal') this.write(step.side, step.type === 'heal')
    else if (step.type === 'deliver') this.deliver(step.side, step)
    else if (step.type === 'tamper') this.tamper(step.side, step)
    else if (person.record) person.record = decodeSession(encodeSession(person.record))
  }
}

describe('whatever the network does', () => {
  test('every message that arrives is read exactly once, the rest of the state never suffers, and both sides converge', () => {
    fc.assert(
      fc.property(steps, (schedule) => {
        const run = new Run()
        for (const step of schedule) run.step(step)
        for (const to of ['alice', 'bob'] as const) while (run.queues[to].length > 0) run.deliver(to, { pick: 0, again: false })
        for (const to of ['alice', 'bob'] as const) {
          expect([...run.received[to].values()].every((count) => count === 1)).toBe(true)
          expect(run.received[to].size).toBe(run.written[run.other(to)].length)
        }
        if (run.written.alice.length + run.written.bob.length === 0) return
        for (let trip = 0; trip < 3; trip++) {
          for (const from of ['alice', 'bob'] as const) {
            run.write(from, false)
            run.deliver(run.other(from), { pick: 0, again: false })
          }
        }
        const chosen = (['alice', 'bob'] as const).map((name) =>
          Buffer.from(sendingSession(run.people[name].record as NonNullable<Person['record']>)?.ratchet.th ?? []).toString('hex'),
        )
        expect(chosen[0]).toBe(chosen[1])
      }),
      { numRuns: 60, seed: 20_261_101 },
    )
  }, 60_000)
})
