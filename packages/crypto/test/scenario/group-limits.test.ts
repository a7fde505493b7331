import { type ConversationId, type DeviceId, encodeSenderKeyHeader, idFromBytes, LABELS, LIMITS, T, u8, u32, u64 } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { senderKeyAd, signedBytes } from '../../src/group/chain.js'
import {
  applyGroupOperation,
  decodeGroupOperation,
  decryptFromGroup,
  distributeSenderKey,
  encryptToGroup,
  type GroupChange,
  type GroupRecord,
  groupStateHash,
  groupView,
  type OwnChain,
  type PeerChain,
  type PeerChains,
  parkMessage,
  recordSibling,
  sealGroupTitle,
  signGroupOperation,
} from '../../src/group/index.js'
import { gapsOf, walkTo, withoutExpired } from '../../src/group/peer-chain.js'
import { type GroupView, standing } from '../../src/group/view.js'
import { Secret } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { applied, GROUP, groupDeps, groupOf, groupPerson, NO_HASH, nextOperation, operationOf, ownChain, said, taken } from '../support/groups.js'
import { bytesOf, createWorld, Person, START } from '../support/people.js'
import { sodium } from '../support/providers.js'

const [alice, bob] = [groupPerson(1), groupPerson(2)]
const group = groupOf([alice, bob])
const read = (record: GroupRecord, peer: PeerChains, message: Uint8Array) => decryptFromGroup(groupDeps(), { peer, view: groupView(record), message })

/** As a sender makes it who keeps to no limit: only the signature is right. */
function forced(own: OwnChain, { record = group, counter = own.next }: { readonly record?: GroupRecord; readonly counter?: number } = {}): Uint8Array {
  const { epoch, stateHash } = groupView(record)
  const header = encodeSenderKeyHeader({ groupId: GROUP, epoch, stateHash, chainId: own.chainId, counter, commitmentOrSalt: new Uint8Array(16) })
  const sealed = new Uint8Array(64)
  const signature = sodium.ed25519Sign(own.signing.secretKey.expose(), signedBytes(sodium, senderKeyAd(own, header), sealed))
  return Uint8Array.from([...header, ...signature, ...sealed])
}

test('a chain has 500 messages, whatever a member signs', () => {
  const own = ownChain(group, alice)
  const peer = taken(group, alice, own)
  expect(codeOf(() => read(group, peer, forced(own, { counter: LIMITS.senderKeyMessages })))).toBe('crypto/limit-exceeded')
  expect(codeOf(() => read(group, peer, forced(own, { counter: 0xffffffff })))).toBe('crypto/limit-exceeded')
  expect(codeOf(() => read(group, peer, forced(own, { counter: LIMITS.senderKeyMessages - 1 })))).toBe('crypto/authentication-failed')
})

test('a message under a state from before its chain is none, also where its key was kept', () => {
  const later = applied(group, alice, { type: 'set-title', title: NO_HASH })
  const own = ownChain(later, alice)
  const first = said(later, own, 'first')
  const second = said(later, first.own, 'second')
  const result = read(later, taken(later, alice, own), second.message)
  if (result.kind !== 'message') throw new Error('not read')
  expect(codeOf(() => read(later, result.peer, forced(own, { record: group })))).toBe('groups/stale-state')
  expect(read(later, result.peer, first.message).kind).toBe('message')
})

test('what is said of a fork is a copy', () => {
  const [ours, theirs] = [bob, alice].map((actor) => applied(group, alice, { type: 'set-role', accountId: actor.local.accountId, role: 'admin' }))
  const own = ownChain(group, alice)
  const message = forced(own, { record: theirs! })
  const result = read(ours!, taken(group, alice, own), message)
  if (result.kind !== 'fork') throw new Error('no fork')
  message.fill(0)
  expect(result.seen).toEqual({ epoch: groupView(theirs!).epoch, stateHash: groupView(theirs!).stateHash, accountId: alice.local.accountId })
})

test('a franking commitment has 32 bytes', () => {
  const own = ownChain(group, alice)
  const plaintext = { common: bytesOf('x'), manifest: { version: 1, hash: new Uint8Array(32) } }
  const input = { own, view: groupView(group), plaintext, devicesRevokedAt: 0 }
  for (const length of [0, 16, 31, 33])
    expect(codeOf(() => encryptToGroup(groupDeps(), { ...input, franking: new Uint8Array(length) }))).toBe('client/invalid-argument')
})

test('a chain that was replaced before its first message is not missed', () => {
  const own = ownChain(group, alice)
  const known = taken(group, alice, ownChain(group, alice, { seed: 20 }))
  const renewed = ownChain(group, alice, { replaces: own, seed: 21 })
  expect(taken(group, alice, renewed, known).lost).toEqual([])
  // Where one was said, it is; and who knew no chain of this device was not there.
  const spoken = ownChain(group, alice, { replaces: said(group, own, 'lost').own, seed: 22 })
  expect(taken(group, alice, spoken, known).lost).toEqual([{ chainId: own.chainId, length: 1 }])
  expect(taken(group, alice, spoken).lost).toEqual([])
})

test('of the chains that were kept back the newest three are remembered', () => {
  let peer = taken(group, alice, ownChain(group, alice, { seed: 30 }))
  for (let n = 0; n < 5; n++) {
    const gone = said(group, ownChain(group, alice, { seed: 40 + 2 * n }), 'lost').own
    peer = taken(group, alice, ownChain(group, alice, { replaces: gone, seed: 41 + 2 * n }), peer)
  }
  expect(peer.lost).toHaveLength(LIMITS.senderKeyChains)
})

test('the own other devices get the sender key, and this one never, alone or among others', () => {
  const world = createWorld(sodium)
  const [one, other] = [new Person(world), new Person(world)]
  const record = groupOf([one, other].map((person) => ({ local: person.local(), remote: person.remote() })))
  const own = ownChain(record, { local: one.local(), remote: one.remote() })
  const tablet = { ...other.remote(), accountId: one.accountId, accountKey: one.account.publicKey, deviceId: 2 as DeviceId }
  const send = (recipients: Parameters<typeof distributeSenderKey>[1]['recipients']) =>
    distributeSenderKey(world.deps(), { own, view: groupView(record), local: one.local(), recipients })
  // Refused for want of a bundle alone.
  expect(send([{ remote: tablet, record: null }])).toMatchObject([{ kind: 'refused', error: { code: 'crypto/no-session' } }])
  const among = [
    { remote: other.remote(), record: null },
    { remote: one.remote(), record: null },
  ]
  expect(codeOf(() => send(among))).toBe('client/invalid-argument')
})

test('an operation that was read keeps nothing of the memory that it came in', () => {
  const title = new Uint8Array(40).fill(7)
  for (const change of [{ type: 'set-title', title } as const, { type: 'resolve', otherHead: new Uint8Array(32).fill(8) } as const]) {
    const bytes = signGroupOperation(sodium, { groupId: GROUP, epoch: 1, parentHash: new Uint8Array(32), change, time: START, local: alice.local })
    const operation = decodeGroupOperation(bytes)
    bytes.fill(0)
    expect(operation.change).toEqual(change)
  }
})

test('a signature alone is no operation, and none is shorter', () => {
  for (const length of [0, 63, 64]) expect(codeOf(() => decodeGroupOperation(new Uint8Array(length)))).toBe('protocol/malformed')
  const bare = T(
    LABELS.groupOperation,
    new Uint8Array(16),
    u64(1),
    new Uint8Array(32),
    u8(3),
    NO_HASH,
    new Uint8Array(16),
    u32(1),
    new Uint8Array(32),
    u64(START),
  )
  expect(decodeGroupOperation(Uint8Array.from([...bare, ...new Uint8Array(64)])).change).toEqual({ type: 'accept' })
})

test('a chain that replaces none leaves the one before it as it was', () => {
  const first = taken(group, alice, ownChain(group, alice, { seed: 50 }))
  const both = taken(group, alice, ownChain(group, alice, { seed: 51 }), first)
  expect(both.chains).toHaveLength(2)
  expect(both.chains[1]).toBe(first.chains[0])
})

test('a group begins once, and branches come together only where there are two, whoever asks', () => {
  for (const actor of [alice, bob]) {
    const code = (change: GroupChange) => codeOf(() => applyGroupOperation(sodium, group, nextOperation(group, actor, change)))
    expect(code({ type: 'create', title: NO_HASH })).toBe('protocol/malformed')
    expect(code({ type: 'resolve', otherHead: new Uint8Array(32) })).toBe('groups/invalid-operation')
  }
})

test('an operation beside the applied one is of this group', () => {
  const parent = group.state
  const after = applied(group, alice, { type: 'set-title', title: bytesOf('a') })
  const beside = (groupId: ConversationId) => {
    const place = { epoch: parent.epoch + 1, parentHash: groupStateHash(sodium, parent), groupId }
    return recordSibling(sodium, after, { ...operationOf(alice, place, { type: 'set-title', title: bytesOf('b') }), parent })
  }
  expect(beside(GROUP).evidence).toHaveLength(1)
  expect(codeOf(() => beside(idFromBytes<ConversationId>(new Uint8Array(16).fill(9))))).toBe('groups/invalid-operation')
})

test('a sealed title has 1,024 bytes at most', () => {
  const deps = { provider: sodium, random: groupDeps().random }
  const sealed = (length: number) => sealGroupTitle(deps, { titleKey: new Uint8Array(32).fill(1), groupId: GROUP, title: new Uint8Array(length) })
  expect(sealed(LIMITS.groupTitleBytes - 73)).toHaveLength(LIMITS.groupTitleBytes)
  expect(codeOf(() => sealed(LIMITS.groupTitleBytes - 72))).toBe('protocol/too-large')
})

test('what may be parked is counted for each device, and devices of two accounts are two', () => {
  const entry = (person: typeof alice, n: number) => ({ ...person.local, epoch: 9, message: u32(n) })
  let parked: Parameters<typeof parkMessage>[0] = []
  for (let n = 0; n < LIMITS.parkedOfDevice; n++) parked = parkMessage(parked, entry(alice, n))
  expect(codeOf(() => parkMessage(parked, entry(alice, 999)))).toBe('crypto/limit-exceeded')
  expect(parkMessage(parked, entry(bob, 1_000))).toHaveLength(LIMITS.parkedOfDevice + 1)
})

test('where a message stands: current, ahead, beside, or of a branch that has ended', () => {
  const hash = (n: number) => new Uint8Array(32).fill(n)
  const view = { ...groupView(group), epoch: 5, forksSince: 4, hashAt: (epoch: number) => (epoch >= 3 && epoch <= 5 ? hash(epoch) : null) } as GroupView
  const at = (epoch: number, stateHash = hash(epoch)) => standing(view, { epoch, stateHash })
  expect([at(3), at(4), at(5), at(6)]).toEqual(['current', 'current', 'current', 'future'])
  expect([at(5, hash(9)), at(4, hash(9))]).toEqual(['fork', 'fork'])
  for (const gone of [() => at(3, hash(9)), () => at(2)]) expect(codeOf(gone)).toBe('groups/stale-state')
})

test('kept keys: erased one by one when they are older than 14 days, and missed in runs', () => {
  const DAYS = LIMITS.skippedKeyDays * 86_400_000
  const key = (counter: number, storedAt: number) => ({ counter, messageKey: new Secret(new Uint8Array(32)), storedAt })
  const chain = (...skipped: ReturnType<typeof key>[]): PeerChain => ({ ...taken(group, alice, ownChain(group, alice)).chains[0]!, skipped })
  const peer: PeerChains = { ...taken(group, alice, ownChain(group, alice)), chains: [chain(key(1, START), key(2, START + 1)), chain(key(7, START + 5))] }
  const left = (now: number) => withoutExpired(peer, now).chains.map(({ skipped }) => skipped.map(({ counter }) => counter))
  expect(withoutExpired(peer, START + DAYS)).toBe(peer)
  expect([left(START + DAYS + 1), left(START + DAYS + 2), left(START + DAYS + 6)]).toEqual([
    [[2], [7]],
    [[], [7]],
    [[], []],
  ])
  const missing = chain(key(3, START), key(4, START), key(6, START))
  const gaps = gapsOf({ chains: [missing], lost: [{ chainId: missing.chainId, length: 2 }] })
  expect(gaps.map(({ from, to }) => [from, to])).toEqual([
    [0, 2],
    [3, 5],
    [6, 7],
  ])
})

test('a chain is walked forward, to its last message and no further', () => {
  const { chainKey, ...chain } = taken(group, alice, ownChain(group, alice)).chains[0]!
  const start = { ...chain, chainKey: chainKey! }
  const walked = (to: number, from = start) => walkTo(sodium, from, { to, now: START })
  expect(walked(LIMITS.senderKeyMessages)).toMatchObject({ next: LIMITS.senderKeyMessages })
  expect(codeOf(() => walked(LIMITS.senderKeyMessages + 1))).toBe('crypto/limit-exceeded')
  const ahead = walked(3)
  expect([walked(3, ahead), walked(2, ahead)]).toEqual([ahead, ahead])
  expect(walked(3, ahead)).toBe(ahead)
})
