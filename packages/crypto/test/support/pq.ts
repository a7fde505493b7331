import type { PqState, Session, SessionRecord } from '../../src/index.js'
import { sendingSession } from '../../src/index.js'
import type { Person } from './people.js'

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const recordOf = (person: Person): SessionRecord => person.record as SessionRecord
export const sessionOf = (person: Person): Session => sendingSession(recordOf(person)) as Session
export const pqOf = (person: Person): PqState => sessionOf(person).ratchet.pq

/** What a broken or malicious client would have in its place: nothing else of the record changes. */
export function patchPq(person: Person, change: (pq: PqState) => PqState): void {
  const record = recordOf(person)
  const sending = sessionOf(person)
  const ratchet = { ...sending.ratchet, pq: change(sending.ratchet.pq) }
  person.record = { ...record, sessions: record.sessions.map((session) => (session === sending ? { ...session, ratchet } : session)) }
}

/** The secret that a step has mixed into the root: the one that was held before it, if the epoch has moved. */
export function mixedBy(before: PqState, after: PqState): string | null {
  if (after.epoch === before.epoch) return null
  if (before.phase.kind !== 'ready' && before.phase.kind !== 'answering') throw new Error('an epoch without a secret')
  return hex(before.phase.secret.expose())
}

/** True when the last message written carried a chunk: the state of the sender's post-quantum ratchet has moved within its epoch. */
export const carried = (before: PqState, after: PqState): boolean =>
  (after.phase.kind === 'offering' || after.phase.kind === 'answering') &&
  (before.phase.kind !== after.phase.kind || before.epoch !== after.epoch || before.phase.next !== after.phase.next)

/** One writes, the other reads; gives whether a chunk went along. */
export function exchange(from: Person, to: Person, text = 'x'): boolean {
  const before = pqOf(from)
  const envelope = from.write(to, text)
  const chunk = carried(before, pqOf(from))
  if (to.read(from, envelope) !== text) throw new Error('another text')
  return chunk
}

/** Alice has written and Bob answered: both have the session acknowledged. */
export function acquaint(alice: Person, bob: Person): void {
  bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle() }))
  alice.read(bob, bob.write(alice, 'hi'))
}

/** Turn by turn until both have mixed `epoch`; gives the messages that it took. */
export function reachEpoch(alice: Person, bob: Person, epoch: number): number {
  for (let messages = 0; messages < 1_000; messages += 2) {
    if (pqOf(alice).epoch >= epoch && pqOf(bob).epoch >= epoch) return messages
    exchange(alice, bob)
    exchange(bob, alice)
  }
  throw new Error('the epoch does not come')
}
