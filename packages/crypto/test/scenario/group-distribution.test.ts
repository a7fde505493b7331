import { describe, expect, test } from 'vitest'
import {
  acceptDistribution,
  decryptFromGroup,
  distributeSenderKey,
  encodeDistribution,
  type GroupView,
  groupView,
  type OwnChain,
  startChain,
} from '../../src/group/index.js'
import { encodeSession, encryptMessage } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { applied, type GroupPerson, groupOf, said } from '../support/groups.js'
import { createWorld, Person, textOf } from '../support/people.js'
import { sodium } from '../support/providers.js'

const asMember = (person: Person): GroupPerson => ({ local: person.local(), remote: person.remote() })

/** Alice, Bob and Mallory in a group, and Alice's sessions with both; Bob has one with Mallory too. */
function scene() {
  const world = createWorld(sodium)
  const [alice, bob, mallory, dave] = [new Person(world), new Person(world), new Person(world), new Person(world)] as const
  const record = groupOf([alice, bob, mallory].map(asMember))
  const sessions = [bob, mallory].map((peer) => {
    alice.record = null
    peer.record = null
    peer.read(alice, alice.write(peer, 'hello', { bundle: peer.bundle() }))
    alice.read(peer, peer.write(alice, 'hello'))
    return { peer, record: alice.record, theirs: peer.record }
  })
  const own = startChain(world.deps(), { view: groupView(record), sender: alice.local(), replaces: null })
  const recipients = sessions.map(({ peer, record: session }) => ({ remote: peer.remote(), record: session }))
  const send = (view: GroupView = groupView(record), to = recipients, chain: OwnChain = own) =>
    distributeSenderKey(world.deps(), { own: chain, view, local: alice.local(), recipients: to })
  return { world, alice, bob, mallory, dave, record, view: groupView(record), own, recipients, send, bobsRecord: sessions[0]!.theirs }
}

const envelopeOf = (result: ReturnType<typeof distributeSenderKey>[number] | undefined): Uint8Array => {
  if (result?.kind !== 'encrypted') throw new Error('refused')
  return result.envelope
}

describe('distribution', () => {
  test('attack 36: a sender key comes out of a real pairwise message, as that of the device whose session it was', () => {
    const { world, alice, bob, mallory, record, view, own, send, bobsRecord } = scene()
    bob.record = bobsRecord
    const [toBob, toMallory] = send()
    const received = bob.decrypt(alice, envelopeOf(toBob))
    const peer = acceptDistribution(world.deps(), { sender: received.sender, distribution: received.plaintext.common, view, known: null })
    const result = decryptFromGroup(world.deps(), { peer, view, message: said(record, own, 'to all').message })
    expect(result.kind === 'message' && textOf(result.plaintext.common)).toBe('to all')
    // The envelope for another device, and the own one under another name, are no messages of this session.
    expect(codeOf(() => bob.tryDecrypt(alice, envelopeOf(toMallory)))).toBe('crypto/no-session')
    expect(codeOf(() => bob.tryDecrypt(mallory, envelopeOf(toBob)))).toBe('devices/identity-changed')
    // Mallory, who knows the key as every member does, passes it on as her own.
    bob.record = null
    const passed = encryptMessage(world.deps(), {
      record: null,
      local: mallory.local(),
      remote: bob.remote(),
      bundle: bob.bundle(),
      plaintext: { common: encodeDistribution(own), perSession: new Uint8Array(0) },
    })
    const fake = bob.decrypt(mallory, passed.envelope)
    expect(fake.sender.accountId).toBe(mallory.accountId)
    const accept = { sender: fake.sender, distribution: fake.plaintext.common, view, known: null }
    expect(codeOf(() => acceptDistribution(world.deps(), accept))).toBe('crypto/authentication-failed')
    // Nor into what is known of Alice.
    expect(codeOf(() => acceptDistribution(world.deps(), { ...accept, known: peer }))).toBe('client/invalid-argument')
  })

  test('attack 31: whom only the server calls a member, or who has not accepted, is given no key', () => {
    const { alice, dave, record, recipients, send } = scene()
    alice.record = null
    dave.read(alice, alice.write(dave, 'hello', { bundle: dave.bundle() }))
    const before = encodeSession(alice.record!)
    const to = [recipients[0]!, { remote: dave.remote(), record: alice.record }, recipients[1]!]
    const outcome = (view: GroupView) => send(view, to).map((result) => (result.kind === 'refused' ? result.error.code : result.kind))
    expect(outcome(groupView(record))).toEqual(['encrypted', 'groups/not-a-member', 'encrypted'])
    const invited = applied(record, asMember(alice), { type: 'add', accountId: dave.accountId, role: 'member' })
    expect(outcome(groupView(invited))).toEqual(['encrypted', 'groups/not-a-member', 'encrypted'])
    expect(encodeSession(alice.record!)).toEqual(before)
    const joined = applied(invited, asMember(dave), { type: 'accept' })
    expect(outcome(groupView(joined))).toEqual(['encrypted', 'encrypted', 'encrypted'])
  })

  test('attack 34: after a removal neither the old chain is given out nor anything to who was removed', () => {
    const { world, alice, mallory, record, recipients, own, send } = scene()
    const after = groupView(applied(record, asMember(alice), { type: 'remove', accountId: mallory.accountId }))
    expect(codeOf(() => send(after))).toBe('groups/renewal-due')
    const renewed = startChain(world.deps(), { view: after, sender: alice.local(), replaces: own })
    const results = send(after, recipients, renewed)
    expect(results.map(({ kind }) => kind)).toEqual(['encrypted', 'refused'])
  })

  test('nothing is given out in a frozen group, to oneself, twice, or of another group or device', () => {
    const { alice, bob, view, own, recipients, send } = scene()
    expect(codeOf(() => send({ ...view, frozen: true }))).toBe('groups/frozen')
    expect(codeOf(() => send({ ...view, isMember: (id) => id !== alice.accountId }))).toBe('groups/not-a-member')
    const wrong = [
      () => send(view, [{ remote: alice.remote(), record: null }]),
      () => send(view, [recipients[0]!, recipients[0]!]),
      () => send({ ...view, groupId: bob.accountId as never }),
      () => send(view, recipients, { ...own, accountId: bob.accountId }),
    ]
    for (const attempt of wrong) expect(codeOf(attempt)).toBe('client/invalid-argument')
  })

  test('an application puts the distribution into its own kind of content', () => {
    const { world, alice, bob, own, view, recipients, bobsRecord } = scene()
    const content = (distribution: Uint8Array) => Uint8Array.of(0x53, ...distribution)
    const [toBob] = distributeSenderKey(world.deps(), { own, view, local: alice.local(), recipients: recipients.slice(0, 1), content })
    bob.record = bobsRecord
    expect(bob.decrypt(alice, envelopeOf(toBob)).plaintext.common).toEqual(content(encodeDistribution(own)))
  })
})
