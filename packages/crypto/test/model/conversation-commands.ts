import fc from 'fast-check'
import { DAY } from '../support/people.js'
import { type ConversationSystem, other, type Sent, type Side } from './conversation-system.js'

/** What the generator has to know: nothing but whether there is something to act upon, which the system itself knows. */
type Model = Record<string, never>
type Command = fc.Command<Model, ConversationSystem>

const HOUR = 3_600_000

function command(name: string, run: (system: ConversationSystem) => void): Command {
  return {
    check: () => true,
    run(_, system) {
      run(system)
      system.checkBounds()
    },
    toString: () => name,
  }
}

const side = fc.constantFrom<Side>('alice', 'bob')
const index = fc.nat(500)

/** A command on one envelope under way to `to`; nothing happens where there is none. */
const onSent = (name: string, act: (system: ConversationSystem, sent: Sent) => void) =>
  fc.tuple(side, index).map(([to, at]) =>
    command(`${name}(${to}, ${at})`, (system) => {
      const sent = system.pick(to, at)
      if (sent) act(system, sent)
    }),
  )

const write = side.map((from) => command(`write(${from})`, (system) => system.write(from)))
const burst = fc.tuple(side, fc.integer({ min: 2, max: 30 })).map(([from, count]) =>
  command(`burst(${from}, ${count})`, (system) => {
    for (let i = 0; i < count; i++) system.write(from)
  }),
)
const crashWhileWriting = side.map((from) => command(`crashWhileWriting(${from})`, (system) => system.write(from, { crash: true })))
/** Both write before either has heard of the other: two handshakes that cross, where there is no session yet. */
const bothWrite = fc.constant(
  command('bothWrite', (system) => {
    system.write('alice')
    system.write('bob')
  }),
)
const heal = side.map((from) => command(`heal(${from})`, (system) => system.write(from, { heal: true })))

const inOrder = side.map((to) =>
  command(`inOrder(${to})`, (system) => {
    for (const sent of [...system.underWay[to]]) system.deliver(sent)
  }),
)
const deliver = onSent('deliver', (system, sent) => system.deliver(sent))
const twice = onSent('twice', (system, sent) => {
  system.deliver(sent, { keep: true })
  system.deliver(sent)
})
const lostAcknowledgement = onSent('lostAcknowledgement', (system, sent) => system.deliver(sent, { keep: true }))
const crashWhileReading = onSent('crashWhileReading', (system, sent) => system.deliver(sent, { crash: true }))
const lose = onSent('lose', (system, sent) => system.lose(sent))

/** Something that was delivered long ago comes once more. */
const replay = fc.tuple(side, index).map(([to, at]) =>
  command(`replay(${to}, ${at})`, (system) => {
    const sent = system.delivered[to][at % system.delivered[to].length]
    if (sent) system.refuse(system.people[to], system.people[other(to)], sent.envelope)
  }),
)
const corrupt = fc.tuple(side, index, fc.nat(5000), fc.integer({ min: 1, max: 255 })).map(([to, at, where, mask]) =>
  command(`corrupt(${to}, ${at}, ${where}, ${mask})`, (system) => {
    const sent = system.pick(to, at)
    if (!sent) return
    const changed = sent.envelope.slice()
    changed[where % changed.length] = (changed[where % changed.length] as number) ^ mask
    system.refuse(system.people[to], system.people[other(to)], changed)
  }),
)
const truncate = fc.tuple(side, index, fc.nat(5000)).map(([to, at, length]) =>
  command(`truncate(${to}, ${at}, ${length})`, (system) => {
    const sent = system.pick(to, at)
    if (sent) system.refuse(system.people[to], system.people[other(to)], sent.envelope.subarray(0, length % sent.envelope.length))
  }),
)
/** The server hands it to somebody else, back to its sender, or under another sender's name. */
const readdress = fc.tuple(side, index, fc.constantFrom('stranger', 'sender', 'forged sender')).map(([to, at, how]) =>
  command(`readdress(${to}, ${at}, ${how})`, (system) => {
    const sent = system.pick(to, at)
    if (!sent) return
    const [reader, writer] = [system.people[to], system.people[other(to)]]
    if (how === 'stranger') system.refuse(system.stranger, writer, sent.envelope)
    else if (how === 'sender') system.refuse(writer, reader, sent.envelope)
    else {
      const { record } = reader
      // The record is of the true sender; under another name there is none.
      reader.record = null
      system.refuse(reader, system.stranger, sent.envelope)
      reader.record = record
    }
  }),
)

const restart = side.map((who) => command(`restart(${who})`, (system) => system.restart(who)))
const rotatePreKeys = side.map((who) => command(`rotatePreKeys(${who})`, (system) => system.rotatePreKeys(who)))
const clock = fc.oneof(fc.integer({ min: -6, max: 72 }), fc.constantFrom(8 * 24, 15 * 24, 31 * 24, 45 * 24)).map((hours) =>
  command(`clock(${hours} h, ${((hours * HOUR) / DAY).toFixed(1)} d)`, (system) => {
    system.pass(hours * HOUR)
  }),
)

const weighted = (weight: number, arbitrary: fc.Arbitrary<Command>) => ({ weight, arbitrary })

/** Messages that move a conversation on are likelier than what attacks it; otherwise most of a run would happen in its first minutes. */
export const conversationCommands = (maxCommands: number): fc.Arbitrary<Iterable<Command>> =>
  fc.commands(
    [
      fc.oneof(weighted(6, write), weighted(2, burst), weighted(1, bothWrite), weighted(1, heal), weighted(2, crashWhileWriting)),
      fc.oneof(
        weighted(6, deliver),
        weighted(5, inOrder),
        weighted(1, twice),
        weighted(1, lostAcknowledgement),
        weighted(2, crashWhileReading),
        weighted(2, lose),
      ),
      fc.oneof(replay, corrupt, truncate, readdress),
      fc.oneof(restart, rotatePreKeys, clock),
    ],
    // Without this the library keeps most runs to a dozen steps.
    { maxCommands, size: 'max' },
  )
