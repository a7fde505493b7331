import { type DeviceId, encodeSenderKeyHeader, LABELS, LIMITS, T, u8, u32, u64 } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { senderKeyAd, signedBytes } from '../../src/group/chain.js'
import {
  decodeGroupOperation,
  decryptFromGroup,
  distributeSenderKey,
  encryptToGroup,
  type GroupRecord,
  groupView,
  type OwnChain,
  type PeerChains,
  signGroupOperation,
} from '../../src/group/index.js'
import { codeOf } from '../support/codes.js'
import { applied, GROUP, groupDeps, groupOf, groupPerson, NO_HASH, ownChain, said, taken } from '../support/groups.js'
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
  for (const length of [0, 31, 33])
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
