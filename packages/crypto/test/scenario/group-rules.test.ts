import { type AccountId, type ConversationId, concatBytes, type DeviceId, idFromBytes, LIMITS, u64 } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import {
  answerSenderKeyRequest,
  applyGroupOperation,
  createGroup,
  decodeGroupState,
  decryptFromGroup,
  encodeDistribution,
  encodeGroupRecord,
  encodeGroupState,
  encryptToGroup,
  freezeGroup,
  type GroupChange,
  type GroupMember,
  type GroupRecord,
  type GroupState,
  groupStateHash,
  groupView,
  joinGroup,
  mustForget,
  type OwnChain,
  openInvitation,
  parkMessage,
  recordSibling,
  renewalDue,
  resolveFork,
  signInvitation,
  startChain,
  unparkMessages,
} from '../../src/group/index.js'
import { pairwiseSender } from '../../src/session/sender.js'
import { codeOf } from '../support/codes.js'
import { applied, GROUP, type GroupPerson, groupDeps, groupOf, groupPerson, NO_HASH, nextOperation, operationOf, said, taken } from '../support/groups.js'
import { DAY, START } from '../support/people.js'
import { sodium } from '../support/providers.js'

// The rules of docs/protocol/08-groups.md one by one, each from both sides.

const [alice, bob, carol, dave] = [groupPerson(1), groupPerson(2), groupPerson(3), groupPerson(4)] as const
const idOf = ({ local }: GroupPerson): AccountId => local.accountId
const nobody = idFromBytes<AccountId>(new Uint8Array(16).fill(99))
const elsewhere = idFromBytes<ConversationId>(new Uint8Array(16).fill(1))
const title = Uint8Array.of(7)

const member = (person: GroupPerson, role: 'admin' | 'member' = 'member', joined = true): GroupMember => ({ accountId: idOf(person), role, joined })
/** A group in its tenth epoch, without the operations that led there. */
function groupWith(members: readonly GroupMember[], changes: Partial<GroupState> = {}): GroupRecord {
  const state: GroupState = { groupId: GROUP, epoch: 10, members, title: NO_HASH, keysSince: 3, operationHash: new Uint8Array(32).fill(1), ...changes }
  return { state, hash: groupStateHash(sodium, state), history: [], evidence: [], fork: null, forksSince: 0 }
}
const group = groupWith([member(alice, 'admin'), member(bob), member(carol, 'member', false)])
const view = groupView(group)
/** The whole record is the same bytes after the refusal. */
function refusal(record: GroupRecord, action: () => unknown): string {
  const before = encodeGroupRecord(record)
  const code = codeOf(action)
  expect(encodeGroupRecord(record)).toEqual(before)
  return code
}

describe('a change of a group', () => {
  const alone = groupWith([member(alice, 'admin')])
  const twoAdmins = groupWith([member(alice, 'admin'), member(bob, 'admin')])
  const waiting = groupWith([member(alice, 'admin'), member(bob, 'admin', false), member(carol)])
  const add = (person: GroupPerson, role: 'admin' | 'member' = 'member') => ({ type: 'add', accountId: idOf(person), role }) as const
  const remove = (person: GroupPerson) => ({ type: 'remove', accountId: idOf(person) }) as const
  const role = (person: GroupPerson, to: 'admin' | 'member') => ({ type: 'set-role', accountId: idOf(person), role: to }) as const

  test.each<[string, GroupRecord, GroupPerson, GroupChange, string]>([
    ['one who is no member', group, dave, { type: 'accept' }, 'groups/not-allowed'],
    ['one who is no member leaves', group, dave, { type: 'leave' }, 'groups/not-allowed'],
    ['one who has joined joins', group, bob, { type: 'accept' }, 'groups/invalid-operation'],
    ['a member adds', group, bob, add(dave), 'groups/not-allowed'],
    ['a member gives roles', group, bob, role(bob, 'admin'), 'groups/not-allowed'],
    ['a member removes', group, bob, remove(carol), 'groups/not-allowed'],
    ['a member renames', group, bob, { type: 'set-title', title }, 'groups/not-allowed'],
    ['an administrator who is only invited adds', waiting, bob, add(dave), 'groups/not-allowed'],
    ['a member is added', group, alice, add(bob), 'groups/invalid-operation'],
    ['one who is invited is added', group, alice, add(carol), 'groups/invalid-operation'],
    ['nobody is removed', group, alice, remove(dave), 'groups/invalid-operation'],
    ['nobody gets a role', group, alice, role(dave, 'admin'), 'groups/invalid-operation'],
    ['an administrator removes herself', twoAdmins, alice, remove(alice), 'groups/invalid-operation'],
    ['the last administrator leaves', group, alice, { type: 'leave' }, 'groups/not-allowed'],
    ['the last administrator steps down', group, alice, role(alice, 'member'), 'groups/not-allowed'],
    ['the last one who has joined leaves it to one who has not', waiting, alice, { type: 'leave' }, 'groups/not-allowed'],
    ['a resolution without a fork', group, alice, { type: 'resolve', otherHead: group.hash }, 'groups/invalid-operation'],
  ])('is refused: %s', (_, record, actor, change, code) => {
    expect(refusal(record, () => applied(record, actor, change))).toBe(code)
  })

  test.each<[string, GroupRecord, GroupPerson, GroupChange, readonly GroupMember[], number]>([
    ['joining', group, carol, { type: 'accept' }, [member(alice, 'admin'), member(bob), member(carol)], 3],
    ['leaving', group, bob, { type: 'leave' }, [member(alice, 'admin'), member(carol, 'member', false)], 11],
    ['refusing to join', group, carol, { type: 'leave' }, [member(alice, 'admin'), member(bob)], 3],
    ['the last one leaving', alone, alice, { type: 'leave' }, [], 11],
    ['leaving it to another administrator', twoAdmins, alice, { type: 'leave' }, [member(bob, 'admin')], 11],
    ['adding', group, alice, add(dave, 'admin'), [...group.state.members, member(dave, 'admin', false)], 3],
    ['removing a member', group, alice, remove(bob), [member(alice, 'admin'), member(carol, 'member', false)], 11],
    ['withdrawing an invitation', group, alice, remove(carol), [member(alice, 'admin'), member(bob)], 3],
    ['giving a role', group, alice, role(bob, 'admin'), [member(alice, 'admin'), member(bob, 'admin'), member(carol, 'member', false)], 3],
    ['stepping down', twoAdmins, alice, role(alice, 'member'), [member(alice), member(bob, 'admin')], 3],
    ['renaming', group, alice, { type: 'set-title', title }, group.state.members, 3],
  ])('is made: %s', (_, record, actor, change, members, keysSince) => {
    const { state, history, hash } = applied(record, actor, change)
    expect(state).toMatchObject({ groupId: GROUP, epoch: 11, members, keysSince, title: change.type === 'set-title' ? title : NO_HASH })
    expect(history).toEqual([{ epoch: 10, hash: record.hash }])
    expect(hash).toEqual(groupStateHash(sodium, state))
  })

  test('is of this group, of the next epoch and on the present state', () => {
    const change = { type: 'set-title', title } as const
    const place = { epoch: 11, parentHash: group.hash }
    const code = (other: Partial<Parameters<typeof operationOf>[1]>) =>
      refusal(group, () => applyGroupOperation(sodium, group, operationOf(alice, { ...place, ...other }, change)))
    const other = new Uint8Array(32)
    for (const epoch of [1, 10, 12]) expect(code({ epoch })).toBe('groups/invalid-operation')
    expect(code({ parentHash: other })).toBe('groups/stale-state')
    expect(code({ groupId: elsewhere })).toBe('groups/invalid-operation')
    expect(code({ groupId: elsewhere, parentHash: other })).toBe('groups/invalid-operation')
    expect(codeOf(() => createGroup(sodium, operationOf(alice, place, change)))).toBe('groups/invalid-operation')
  })

  test('keeps the members in the order of their accounts, wherever one is added', () => {
    const people = [9, 2, 7, 4, 8, 3, 6, 5].map(groupPerson)
    let record = groupOf([alice])
    for (const person of people) record = applied(record, alice, add(person))
    expect(record.state.members.map(({ accountId }) => accountId)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((seed) => idOf(groupPerson(seed))))
    expect(decodeGroupState(encodeGroupState(record.state))).toEqual(record.state)
  })

  test('adds up to 1,000 members', () => {
    const many = (count: number) =>
      groupWith([
        member(alice, 'admin'),
        ...Array.from({ length: count - 1 }, (_, i) => ({ ...member(bob), accountId: idFromBytes<AccountId>(concatBytes(u64(2 ** 50 + i), u64(0))) })),
      ])
    const last = { type: 'add', accountId: idFromBytes<AccountId>(new Uint8Array(16).fill(255)), role: 'member' } as const
    expect(applied(many(LIMITS.groupMembers - 1), alice, last).state.members).toHaveLength(LIMITS.groupMembers)
    expect(codeOf(() => applied(many(LIMITS.groupMembers), alice, last))).toBe('protocol/too-large')
  })

  test('is remembered with the newest 256 states', () => {
    const history = Array.from({ length: LIMITS.groupHistory }, (_, epoch) => ({ epoch, hash: new Uint8Array(32).fill(epoch) }))
    const record = { ...groupWith(group.state.members, { epoch: 400 }), history }
    expect(applied(record, alice, { type: 'set-title', title }).history).toEqual([...history.slice(1), { epoch: 400, hash: record.hash }])
  })
})

describe('a sibling operation', () => {
  const renamed = applied(group, alice, { type: 'set-title', title })
  const sibling = nextOperation(group, alice, { type: 'remove', accountId: idOf(bob) })
  const keep = (received = sibling, parent = group.state, record = renamed) => recordSibling(sodium, record, { ...received, parent })

  test('is kept as evidence, once, and changes nothing else', () => {
    const kept = keep()
    expect(kept).toEqual({ ...renamed, evidence: [{ epoch: 11, operation: sibling.operation }] })
    expect(keep(sibling, group.state, kept)).toBe(kept)
    const input = sibling.operation.slice()
    const copied = keep({ ...sibling, operation: input })
    input.fill(0)
    expect(copied).toEqual(kept)
    expect(keep(nextOperation(group, bob, { type: 'leave' }), group.state, kept).evidence).toHaveLength(2)
  })

  test('is one that a state which was applied allows, and not the one that was applied', () => {
    const refused = (received: typeof sibling, parent = group.state, record = renamed) => refusal(renamed, () => keep(received, parent, record))
    expect(refused(nextOperation(group, alice, { type: 'set-title', title }))).toBe('groups/invalid-operation')
    expect(refused(nextOperation(group, bob, { type: 'remove', accountId: idOf(carol) }))).toBe('groups/not-allowed')
    expect(refused(nextOperation(renamed, alice, { type: 'set-title', title: NO_HASH }), renamed.state)).toBe('groups/invalid-operation')
    // A parent of the same epoch that was not the applied one, and one that the operation does not name.
    const other = groupWith(group.state.members, { title })
    expect(refused(nextOperation(other, alice, { type: 'leave' }), other.state)).toBe('groups/invalid-operation')
    expect(refused(nextOperation(other, bob, { type: 'leave' }))).toBe('groups/invalid-operation')
    const later = applied(renamed, alice, { type: 'set-title', title: NO_HASH })
    expect(refused(nextOperation(renamed, bob, { type: 'leave' }), group.state, later)).toBe('groups/invalid-operation')
    expect(refused(nextOperation(group, alice, { type: 'set-title', title }), group.state, later)).toBe('groups/invalid-operation')
  })

  test('is kept of the newest sixteen', () => {
    const evidence = Array.from({ length: LIMITS.groupEvidence }, (_, i) => ({ epoch: i, operation: Uint8Array.of(i) }))
    expect(keep(sibling, group.state, { ...renamed, evidence }).evidence).toEqual([...evidence.slice(1), { epoch: 11, operation: sibling.operation }])
  })
})

describe('a resolution', () => {
  const sorted = (a: GroupRecord, b: GroupRecord): readonly [GroupRecord, GroupRecord] => (Buffer.compare(a.hash, b.hash) < 0 ? [a, b] : [b, a])
  const branches = (one: readonly GroupMember[], two: readonly GroupMember[], changes: Partial<GroupState> = {}) =>
    sorted(groupWith(one), groupWith(two, { title, ...changes }))
  const resolve = (
    [first, second]: readonly [GroupRecord, GroupRecord],
    { actor = alice, at = first, epoch = 11, parent = first.hash, otherHead = second.hash, groupId = GROUP } = {},
  ): GroupRecord => {
    const operation = operationOf(actor, { epoch, parentHash: parent, groupId }, { type: 'resolve', otherHead })
    return resolveFork(sodium, at, { ...operation, otherHead: (at === first ? second : first).state })
  }
  const heads = branches([member(alice, 'admin'), member(bob)], [member(alice, 'admin'), member(bob)])

  test('keeps who is in both, with the lesser role, joined where joined in both, and is the same on both sides', () => {
    const pair = branches(
      [member(alice, 'admin'), member(bob, 'admin'), member(carol, 'member', false)],
      [member(alice, 'admin'), member(bob), member(carol), member(dave)],
    )
    const [one, two] = [resolve(pair), resolve(pair, { at: pair[1] })]
    expect(one.state.members).toEqual([member(alice, 'admin'), member(bob), member(carol, 'member', false)])
    expect(one.state).toMatchObject({ epoch: 11, keysSince: 11, title: pair[0].state.title })
    expect([one.fork, one.forksSince, one.history]).toEqual([null, 11, [{ epoch: 10, hash: pair[0].hash }]])
    expect(two.hash).toEqual(one.hash)
    const admins = branches([member(alice, 'admin'), member(bob, 'admin')], [member(alice, 'admin'), member(bob, 'admin')])
    expect(resolve(admins).state.members).toEqual([member(alice, 'admin'), member(bob, 'admin')])
  })

  test('names both heads in their order and the epoch after the later one', () => {
    const [first, second] = heads
    const code = (changes: Parameters<typeof resolve>[1]) => refusal(first, () => resolve(heads, changes))
    for (const epoch of [10, 12]) expect(code({ epoch })).toBe('groups/invalid-operation')
    expect(code({ parent: second.hash, otherHead: first.hash })).toBe('groups/stale-state')
    expect(code({ parent: new Uint8Array(32) })).toBe('groups/stale-state')
    expect(code({ otherHead: new Uint8Array(32) })).toBe('groups/stale-state')
    expect(code({ groupId: elsewhere })).toBe('groups/invalid-operation')
    const uneven = branches([member(alice, 'admin')], [member(alice, 'admin')], { epoch: 12 })
    expect(resolve(uneven, { epoch: 13 }).state.epoch).toBe(13)
    expect(codeOf(() => resolve(uneven))).toBe('groups/invalid-operation')
    const foreign = branches([member(alice, 'admin')], [member(alice, 'admin')], { groupId: elsewhere })
    for (const groupId of [GROUP, elsewhere]) expect(codeOf(() => resolve(foreign, { groupId }))).toBe('groups/invalid-operation')
    const twice = [first, { ...first }] as const
    expect(codeOf(() => resolve(twice))).toBe('groups/invalid-operation')
    const other = nextOperation(first, alice, { type: 'set-title', title })
    expect(codeOf(() => resolveFork(sodium, first, { ...other, otherHead: second.state }))).toBe('groups/invalid-operation')
  })

  test('is made by one who has joined both branches as administrator', () => {
    for (const weak of [[member(alice)], [member(alice, 'admin', false)], [member(bob, 'admin')]])
      for (const pair of [branches([member(alice, 'admin')], weak), branches(weak, [member(alice, 'admin')])])
        for (const at of pair) expect(refusal(at, () => resolve(pair, { at }))).toBe('groups/not-allowed')
  })
})

describe('a fork', () => {
  const later = applied(group, alice, { type: 'set-title', title })
  const seen = { epoch: 10, stateHash: new Uint8Array(32).fill(9), accountId: idOf(bob) }

  test('freezes when a member names another state of an epoch that was applied, and the first one stays', () => {
    for (const epoch of [10, 11]) expect(freezeGroup(later, { ...seen, epoch }).fork).toEqual({ ...seen, epoch })
    const frozen = freezeGroup(later, seen)
    expect(freezeGroup(frozen, { ...seen, epoch: 11 })).toBe(frozen)
    expect(freezeGroup({ ...later, forksSince: 10 }, seen).fork).toEqual(seen)
  })

  test.each([
    ['of an epoch that is not remembered', { epoch: 9 }, 0],
    ['of an epoch that has not come', { epoch: 12 }, 0],
    ['in the very state that was applied', { stateHash: group.hash }, 0],
    ['of one who is only invited', { accountId: idOf(carol) }, 0],
    ['of a stranger', { accountId: nobody }, 0],
    ['that a resolution has ended', {}, 11],
  ])('is none: %s', (_, changes, forksSince) => {
    const record = { ...later, forksSince }
    expect(refusal(record, () => freezeGroup(record, { ...seen, ...changes }))).toBe('client/invalid-argument')
  })
})

describe('sending', () => {
  const own = startChain(groupDeps(), { view, sender: alice.local, replaces: null })
  const plaintext = { common: Uint8Array.of(1), manifest: { version: 1, hash: new Uint8Array(32) } }
  const send = (changes: { own?: OwnChain; view?: typeof view; franking?: Uint8Array | null; common?: Uint8Array }) =>
    encryptToGroup(groupDeps(), {
      own,
      view,
      franking: null,
      devicesRevokedAt: 0,
      ...changes,
      plaintext: { ...plaintext, ...(changes.common && { common: changes.common }) },
    })

  test('is refused in another group, as no member, in a frozen group, with a franking commitment of another length, and too large', () => {
    expect(send({}).own).toMatchObject({ next: 1, sentEpoch: 10 })
    expect(codeOf(() => send({ view: { ...view, groupId: elsewhere } }))).toBe('client/invalid-argument')
    for (const length of [1, 31, 33]) expect(codeOf(() => send({ franking: new Uint8Array(length) }))).toBe('client/invalid-argument')
    expect(codeOf(() => send({ own: { ...own, accountId: idOf(carol) } }))).toBe('groups/not-a-member')
    expect(codeOf(() => send({ view: { ...view, frozen: true } }))).toBe('groups/frozen')
    const room = LIMITS.envelopeBytes
    expect(codeOf(() => send({ common: new Uint8Array(room) }))).toBe('protocol/too-large')
    // Padding makes steps: the largest content that fits gives a message within the limit, and one byte more does not.
    let [fits, fails] = [0, room]
    while (fails - fits > 1) {
      const middle = (fits + fails) >> 1
      try {
        send({ common: new Uint8Array(middle) })
        fits = middle
      } catch {
        fails = middle
      }
    }
    expect(send({ common: new Uint8Array(fits) }).message.length).toBeLessThanOrEqual(room)
    expect(codeOf(() => send({ common: new Uint8Array(fails) }))).toBe('protocol/too-large')
  })

  test('begins a chain as a member of a group that is not frozen, in place of an own one of this very group', () => {
    const start = (changes: Partial<Parameters<typeof startChain>[1]>) => startChain(groupDeps(), { view, sender: alice.local, replaces: null, ...changes })
    expect(start({}).previous).toBeNull()
    expect(start({ replaces: { ...own, next: 4 } }).previous).toEqual({ chainId: own.chainId, length: 4 })
    for (const other of [{ groupId: elsewhere }, { accountId: idOf(bob) }, { deviceId: 2 as DeviceId }])
      expect(codeOf(() => start({ replaces: { ...own, ...other } }))).toBe('client/invalid-argument')
    expect(start({ replaces: { ...own, sentEpoch: 10 } }).epoch).toBe(10)
    expect(codeOf(() => start({ replaces: { ...own, sentEpoch: 11 } }))).toBe('groups/stale-state')
    expect(codeOf(() => start({ sender: carol.local }))).toBe('groups/not-a-member')
    expect(codeOf(() => start({ view: { ...view, frozen: true } }))).toBe('groups/frozen')
  })

  test('a chain is renewed for a revocation at or after its beginning, and never for none', () => {
    const due = (createdAt: number, devicesRevokedAt: number) => renewalDue({ ...own, createdAt }, { view, now: createdAt + 1, devicesRevokedAt })
    expect([due(START, START - 1), due(START, START), due(START, START + 1), due(0, 0)]).toEqual([null, 'device-revoked', 'device-revoked', null])
    const age = (milliseconds: number) => renewalDue(own, { view, now: START + milliseconds, devicesRevokedAt: 0 })
    expect([age(-1), age(0), age(7 * DAY - 1), age(7 * DAY)]).toEqual(['age', null, null, 'age'])
  })

  test('a request is answered in its own group, with a chain of it, unless the group is frozen', () => {
    const request = { groupId: GROUP, epoch: 10, chainId: own.chainId }
    const input = { own, view, request, sender: pairwiseSender(bob.remote), now: START, devicesRevokedAt: 0, answeredAt: 0 }
    expect(answerSenderKeyRequest(input)).toEqual(encodeDistribution(own))
    const wrong = [{ request: { ...request, groupId: elsewhere } }, { own: { ...own, groupId: elsewhere } }]
    for (const changes of wrong) expect(codeOf(() => answerSenderKeyRequest({ ...input, ...changes }))).toBe('client/invalid-argument')
    expect(codeOf(() => answerSenderKeyRequest({ ...input, view: { ...view, frozen: true } }))).toBe('groups/frozen')
    expect(answerSenderKeyRequest({ ...input, own: null, view: { ...view, frozen: true } })).toBeNull()
  })
})

describe('reading', () => {
  const own = startChain(groupDeps(), { view, sender: alice.local, replaces: null })
  const peer = taken(group, alice, own)
  const later = applied(group, alice, { type: 'set-title', title })
  const read = (message: Uint8Array, changes: { peer?: typeof peer; record?: GroupRecord; view?: typeof view } = {}) =>
    decryptFromGroup(groupDeps(), { peer: changes.peer ?? peer, view: changes.view ?? groupView(changes.record ?? group), message })
  const { message } = said(group, own, 'x')

  test('is of one group: that of the message, of the state and of the chains', () => {
    expect(read(message).kind).toBe('message')
    for (const changes of [{ view: { ...view, groupId: elsewhere } }, { peer: { ...peer, groupId: elsewhere } }])
      expect(codeOf(() => read(message, changes))).toBe('crypto/authentication-failed')
  })

  test('goes back to no state that the sender had left, neither before its chain nor within it', () => {
    const made = startChain(groupDeps(), { view: groupView(later), sender: alice.local, replaces: null })
    const early = said(group, { ...made, sentEpoch: 0 }, 'before its chain').message
    expect(codeOf(() => read(early, { record: later, peer: taken(later, alice, made) }))).toBe('groups/stale-state')
    const first = said(later, own, 'in the later state')
    const back = said(group, { ...first.own, sentEpoch: 0 }, 'back again').message
    const result = read(first.message, { record: later })
    if (result.kind !== 'message') throw new Error(result.kind)
    expect(result.epoch).toBe(11)
    expect(codeOf(() => read(back, { record: later, peer: result.peer }))).toBe('groups/stale-state')
    // What was passed over is read all the same: it was said before.
    const [skipped, next] = [said(group, own, 'late'), said(later, said(group, own, 'late').own, 'newer')]
    const newer = read(next.message, { record: later })
    expect(newer.kind === 'message' && read(skipped.message, { record: later, peer: newer.peer }).kind).toBe('message')
  })

  test('ends where the chain was replaced', () => {
    const used = said(group, own, 'x').own
    const renewed = startChain(groupDeps(undefined, START, 9), { view, sender: alice.local, replaces: used })
    const closed = taken(group, alice, renewed, peer)
    expect(closed.chains.map(({ chainKey }) => chainKey !== null)).toEqual([true, false])
    expect(closed.chains[1]?.skipped.map(({ counter }) => counter)).toEqual([0])
    expect(codeOf(() => read(said(group, used, 'after its end').message, { peer: closed }))).toBe('crypto/authentication-failed')
    // A chain that is not the one that was replaced goes on.
    const unrelated = startChain(groupDeps(undefined, START, 11), { view, sender: alice.local, replaces: { ...used, chainId: new Uint8Array(32) } })
    expect(taken(group, alice, unrelated, peer).chains.map(({ chainKey }) => chainKey !== null)).toEqual([true, true])
  })

  test('waits for a state that has not come, and refuses one that is no longer remembered', () => {
    const ahead = said(later, own, 'ahead').message
    expect(read(ahead)).toEqual({ kind: 'future', epoch: 11 })
    expect(codeOf(() => read(message, { record: { ...later, history: [] } }))).toBe('groups/stale-state')
    const entry = { accountId: idOf(alice), deviceId: 1 as DeviceId, epoch: 11, message: ahead }
    const others = [
      { ...entry, epoch: 12, message: Uint8Array.of(1) },
      { ...entry, accountId: idOf(carol), message: Uint8Array.of(2) },
    ]
    expect(unparkMessages([entry, ...others], groupView(later))).toEqual({ ready: [entry], waiting: [others[0]] })
    const parked = parkMessage([], entry)
    expect(parkMessage(parked, { ...entry, deviceId: 2 as DeviceId })).toBe(parked)
    const input = ahead.slice()
    const copied = parkMessage([], { ...entry, message: input })
    input.fill(0)
    expect(copied).toEqual([entry])
  })

  test('what is known of a device is forgotten with its membership or its place in the manifest, in its own group', () => {
    const forget = (changes: { accountId?: AccountId; groupId?: ConversationId }, listed = true) => mustForget({ ...peer, ...changes }, view, () => listed)
    expect([forget({}), forget({}, false), forget({ accountId: idOf(carol) })]).toEqual([false, true, true])
    expect([forget({ groupId: elsewhere }, false), forget({ groupId: elsewhere, accountId: nobody })]).toEqual([false, false])
  })
})

describe('joining', () => {
  const added = nextOperation(group, alice, { type: 'add', accountId: idOf(dave), role: 'member' })
  const invited = applyGroupOperation(sodium, group, added)
  const invite = (by: GroupPerson, record = invited, to: GroupPerson = dave) =>
    signInvitation(sodium, { record, local: by.local, invited: idOf(to), titleKey: null, time: START })
  const open = (invitation: Uint8Array, sender: GroupPerson, inviter: GroupPerson = sender) =>
    openInvitation(sodium, { sender: pairwiseSender(sender.remote), inviter: inviter.remote, invitation, accountId: idOf(dave) })

  test('an administrator who has not joined, and one who is no member, vouch for nobody', () => {
    const waiting = groupWith([member(alice, 'admin', false), member(dave, 'member', false)])
    expect(codeOf(() => invite(alice, waiting))).toBe('groups/not-allowed')
    expect(codeOf(() => invite(groupPerson(50)))).toBe('groups/not-allowed')
    expect(open(invite(alice), alice).state).toEqual(invited.state)
  })

  test('an invitation comes over the session of the account and the device that signed it', () => {
    const other: GroupPerson = { ...alice, remote: { ...alice.remote, deviceId: 2 as DeviceId } }
    expect(codeOf(() => open(invite(alice), other, alice))).toBe('client/invalid-argument')
    expect(codeOf(() => open(invite(alice), bob, alice))).toBe('client/invalid-argument')
  })

  test('the log begins with the operation of the invitation’s epoch and group', () => {
    const invitation = open(invite(alice), alice)
    const join = (log: Parameters<typeof joinGroup>[1]['log']) => codeOf(() => joinGroup(sodium, { invitation, log }))
    expect(joinGroup(sodium, { invitation, log: [added] })).toEqual({ ...invited, history: [] })
    const place = { epoch: 11, parentHash: group.hash }
    const change = { type: 'add', accountId: idOf(dave), role: 'member' } as const
    expect(join([operationOf(alice, { ...place, epoch: 12 }, change)])).toBe('groups/stale-state')
    expect(join([operationOf(alice, { ...place, groupId: elsewhere }, change)])).toBe('groups/stale-state')
    expect(join([operationOf(alice, { ...place, parentHash: new Uint8Array(32) }, change)])).toBe('groups/invalid-operation')
  })
})
