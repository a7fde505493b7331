import { parseSenderKeyMessage, type SenderKeyMessage, T } from '@securechat/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sealCommitting } from '../../src/aead/committing.js'
import { senderKeyAd, senderKeyStep, signedBytes } from '../../src/group/chain.js'
import {
  acceptDistribution,
  applyGroupOperation,
  decodeGroupRecord,
  decodeOwnChain,
  decodePeerChains,
  decodeSenderKeyRequest,
  decryptFromGroup,
  encodeDistribution,
  encodeGroupRecord,
  encodeOwnChain,
  encodePeerChains,
  encodeSenderKeyRequest,
  freezeGroup,
  type GroupRecord,
  groupView,
  mustForget,
  type PeerChains,
  parkMessage,
  recordSibling,
  renewalDue,
  resolveFork,
  unparkMessages,
} from '../../src/group/index.js'
import { pairwiseSender } from '../../src/session/sender.js'
import { codeOf } from '../support/codes.js'
import { applied, GROUP, groupDeps, groupOf, groupPerson, nextOperation, operationOf, ownChain, said, taken } from '../support/groups.js'
import { DAY, START, textOf } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'

const [alice, bob, mallory, dave] = [groupPerson(1), groupPerson(2), groupPerson(3), groupPerson(4)] as const
const group = groupOf([alice, bob, mallory])
const view = groupView(group)
const read = (peer: PeerChains, message: Uint8Array, record: GroupRecord = group) => decryptFromGroup(groupDeps(), { peer, view: groupView(record), message })

function opened(peer: PeerChains, message: Uint8Array, record: GroupRecord = group) {
  const result = read(peer, message, record)
  if (result.kind !== 'message') throw new Error(`not a message but ${result.kind}`)
  return result
}

/** The whole state is the same bytes after the refusal. */
function refusal(peer: PeerChains, action: () => unknown): string {
  const before = encodePeerChains(peer)
  const code = codeOf(action)
  expect(encodePeerChains(peer)).toEqual(before)
  return code
}

/** A message made with the real chain key, signed by whatever key. */
function forged(genuine: Uint8Array, chain: { peer: PeerChains; as: PeerChains; sign: (bytes: Uint8Array) => Uint8Array }): Uint8Array {
  const { header } = parseSenderKeyMessage(genuine) as SenderKeyMessage
  const ad = senderKeyAd(chain.as, header)
  const { messageKey } = senderKeyStep(sodium, chain.peer.chains[0]!.chainKey!)
  const { keyCommitment, ciphertext } = sealCommitting(sodium, messageKey, { ad, plaintext: new Uint8Array(256) })
  const sealed = Buffer.concat([keyCommitment, ciphertext])
  return Buffer.concat([header, chain.sign(signedBytes(sodium, ad, sealed)), sealed])
}

describe('sender keys', () => {
  test.each(providers)('$name: members read what a member wrote, in its order', (provider) => {
    const own = ownChain(group, alice)
    const first = said(group, own, 'one')
    const second = said(group, first.own, 'two')
    const peer = taken(group, alice, own)
    const a = decryptFromGroup({ provider, now: START }, { peer, view, message: first.message })
    if (a.kind !== 'message') throw new Error(a.kind)
    const b = decryptFromGroup({ provider, now: START }, { peer: a.peer, view, message: second.message })
    if (b.kind !== 'message') throw new Error(b.kind)
    expect([textOf(a.plaintext.common), textOf(b.plaintext.common)]).toEqual(['one', 'two'])
    expect([a.counter, b.counter, b.missing]).toEqual([0, 1, []])
  })

  test('records come back as they were, and no byte may be cut off', () => {
    const own = said(group, ownChain(group, alice), 'x').own
    const peer = opened(taken(group, alice, ownChain(group, alice)), said(group, own, 'y').message).peer
    expect(encodeOwnChain(decodeOwnChain(encodeOwnChain(own)))).toEqual(encodeOwnChain(own))
    expect(encodePeerChains(decodePeerChains(encodePeerChains(peer)))).toEqual(encodePeerChains(peer))
    expect(codeOf(() => decodePeerChains(encodePeerChains(peer).slice(0, -1)))).toBe('storage/corrupt')
    expect(codeOf(() => decodeOwnChain(encodeOwnChain(own).slice(0, -1)))).toBe('storage/corrupt')
    const request = { groupId: GROUP, epoch: 3, chainId: own.chainId }
    expect(decodeSenderKeyRequest(encodeSenderKeyRequest(request))).toEqual(request)
  })

  test('any loss, order and repetition: each message once, and the report names what lacks', () => {
    const own = ownChain(group, alice)
    const messages: Uint8Array[] = []
    let sending = own
    for (let i = 0; i < 12; i++) {
      const step = said(group, sending, `m${i}`)
      messages.push(step.message)
      sending = step.own
    }
    const start = taken(group, alice, own)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(11), fc.boolean()), { maxLength: 40 }), (arrivals) => {
        let peer = start
        const got = new Set<number>()
        for (const [i, broken] of arrivals) {
          const message = messages[i]!.slice()
          if (broken) message[message.length - 1]! ^= 1
          if (broken) expect(refusal(peer, () => read(peer, message))).toBe('crypto/invalid-signature')
          else if (got.has(i)) expect(refusal(peer, () => read(peer, message))).toBe('crypto/duplicate-message')
          else {
            const result = opened(peer, message)
            expect(textOf(result.plaintext.common)).toBe(`m${i}`)
            peer = result.peer
            got.add(i)
            const lacking = Array.from({ length: Math.max(...got) }, (_, n) => n).filter((n) => !got.has(n))
            expect(result.missing.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, n) => from + n))).toEqual(lacking)
          }
        }
      }),
      { seed: 8, numRuns: 60 },
    )
  })

  test('renewal: after a removal, a revocation, 7 days, 500 messages, and a clock set back', () => {
    const own = ownChain(group, alice)
    const due = (changed: object, now = START, record = group, devicesRevokedAt = 0) =>
      renewalDue({ ...own, ...changed }, { view: groupView(record), now, devicesRevokedAt })
    expect(renewalDue(null, { view, now: START, devicesRevokedAt: 0 })).toBe('none-yet')
    expect(due({})).toBeNull()
    expect(due({}, START + 7 * DAY - 1)).toBeNull()
    expect(due({}, START + 7 * DAY)).toBe('age')
    expect(due({}, START - 1)).toBe('age')
    expect(due({ next: 499 })).toBeNull()
    expect(due({ next: 500 })).toBe('messages')
    expect(due({}, START, group, START)).toBe('device-revoked')
    expect(due({}, START, applied(group, alice, { type: 'remove', accountId: bob.local.accountId }))).toBe('member-removed')
    expect(codeOf(() => said(group, { ...own, next: 500 }, 'x'))).toBe('groups/renewal-due')
  })

  test('a chain does not send under a state older than one it has sent under', () => {
    const later = applied(group, alice, { type: 'set-title', title: Uint8Array.of(1) })
    const { own } = said(later, ownChain(group, alice), 'x')
    expect(codeOf(() => said(group, own, 'y'))).toBe('groups/stale-state')
  })

  test('messages of a state that has not come are parked, at most 200, and read once it has', () => {
    const later = applied(group, alice, { type: 'set-title', title: Uint8Array.of(1) })
    const own = ownChain(group, alice)
    const { message } = said(later, own, 'early')
    const peer = taken(group, alice, own)
    expect(read(peer, message)).toEqual({ kind: 'future', epoch: later.state.epoch })
    const entry = { accountId: alice.local.accountId, deviceId: alice.local.deviceId, epoch: later.state.epoch, message }
    const parked = parkMessage(parkMessage([], entry), entry)
    expect(unparkMessages(parked, view)).toEqual({ ready: [], waiting: [entry] })
    const { ready, waiting } = unparkMessages(parked, groupView(later))
    expect(waiting).toEqual([])
    expect(textOf(opened(peer, ready[0]!.message, later).plaintext.common)).toBe('early')
    const full = Array.from({ length: 200 }, (_, i) => ({ ...entry, message: Uint8Array.of(i) }))
    expect(codeOf(() => parkMessage(full, entry))).toBe('crypto/limit-exceeded')
  })
})

describe('attacks on sender keys', () => {
  test('attack 35: an insider with the chain key cannot speak as another sender', () => {
    const own = ownChain(group, alice)
    const { message } = said(group, own, 'genuine')
    const peer = taken(group, alice, own)
    const malloryOwn = ownChain(group, mallory, { seed: 6 })
    for (const key of [malloryOwn.signing.secretKey, mallory.local.deviceKeys.signing.secretKey]) {
      const fake = forged(message, { peer, as: peer, sign: (bytes) => sodium.ed25519Sign(key.expose(), bytes) })
      expect(refusal(peer, () => read(peer, fake))).toBe('crypto/invalid-signature')
    }
    expect(textOf(opened(peer, message).plaintext.common)).toBe('genuine')
  })

  test('attack 35: a genuine message shown as that of another device is refused', () => {
    const own = ownChain(group, alice)
    const { message } = said(group, own, 'genuine')
    const peer = { ...taken(group, alice, own), accountId: mallory.local.accountId }
    expect(refusal(peer, () => read(peer, message))).toBe('crypto/invalid-signature')
  })

  test('attack 36: a sender key is accepted only as that of the device whose session brought it', () => {
    const own = ownChain(group, alice)
    const distribution = encodeDistribution(own)
    for (const remote of [mallory.remote, { ...alice.remote, deviceId: (alice.remote.deviceId + 1) as typeof alice.remote.deviceId }]) {
      const sender = pairwiseSender(remote)
      expect(codeOf(() => acceptDistribution(groupDeps(), { sender, distribution, view, known: null }))).toBe('crypto/authentication-failed')
    }
    const claimed = { accountId: alice.local.accountId, deviceId: alice.local.deviceId }
    // @ts-expect-error a name that nobody has authenticated is not a PairwiseSender
    expect(codeOf(() => acceptDistribution(groupDeps(), { sender: claimed, distribution, view, known: null }))).toBe('client/invalid-argument')
    // @ts-expect-error and it cannot be left out
    expect(codeOf(() => acceptDistribution(groupDeps(), { distribution, view, known: null }))).toBe('client/invalid-argument')
  })

  test('attack 36: a known chain is not wound back by its distribution', () => {
    const own = ownChain(group, alice)
    const { message } = said(group, own, 'once')
    const { peer } = opened(taken(group, alice, own), message)
    expect(encodePeerChains(taken(group, alice, own, peer))).toEqual(encodePeerChains(peer))
  })

  test('attack 34: a removed member neither reads nor writes', () => {
    const own = ownChain(group, alice)
    const malloryOwn = ownChain(group, mallory, { seed: 6 })
    const peer = taken(group, mallory, malloryOwn)
    const after = applied(group, alice, { type: 'remove', accountId: mallory.local.accountId })
    const { message } = said(group, malloryOwn, 'late')
    expect(refusal(peer, () => read(peer, message, after))).toBe('groups/not-a-member')
    expect(mustForget(peer, groupView(after))).toBe(true)
    expect(mustForget(peer, view)).toBe(false)
    expect(codeOf(() => taken(after, mallory, malloryOwn))).toBe('groups/not-a-member')
    expect(codeOf(() => said(after, own, 'with the old chain'))).toBe('groups/renewal-due')
    // A sender that renews nothing is not read either.
    const careless = said({ ...after, state: { ...after.state, keysSince: 0 } }, own, 'with the old chain')
    const alicePeer = taken(group, alice, own)
    expect(refusal(alicePeer, () => read(alicePeer, careless.message, after))).toBe('groups/renewal-due')
  })

  test('attack 38: what was dropped is shown, the end of a replaced chain too', () => {
    const own = ownChain(group, alice)
    const one = said(group, own, '0')
    const two = said(group, one.own, '1')
    const three = said(group, two.own, '2')
    const peer = opened(taken(group, alice, own), two.message).peer
    expect(opened(taken(group, alice, own), two.message).missing).toEqual([{ chainId: own.chainId, from: 0, to: 1 }])
    const renewed = ownChain(group, alice, { replaces: three.own, seed: 9 })
    const result = opened(taken(group, alice, renewed, peer), said(group, renewed, 'new').message)
    expect(result.missing).toEqual([
      { chainId: own.chainId, from: 0, to: 1 },
      { chainId: own.chainId, from: 2, to: 3 },
    ])
    expect(textOf(opened(result.peer, three.message).plaintext.common)).toBe('2')
  })
})

describe('group operations', () => {
  const add = { type: 'add', accountId: dave.local.accountId, role: 'member' } as const

  test('attack 31: who is not added by a signed operation, or has not accepted, gets no keys and is not read', () => {
    expect(view.isMember(dave.local.accountId)).toBe(false)
    expect(codeOf(() => applyGroupOperation(sodium, group, nextOperation(group, dave, { type: 'accept' })))).toBe('groups/not-allowed')
    const invited = applied(group, alice, add)
    expect(groupView(invited).isMember(dave.local.accountId)).toBe(false)
    expect(groupView(applied(invited, dave, { type: 'accept' })).isMember(dave.local.accountId)).toBe(true)
  })

  test('attack 32: an operation is refused with any byte changed, replayed, or in another group', () => {
    const genuine = nextOperation(group, alice, add)
    const before = encodeGroupRecord(group)
    const tryIt = (record: GroupRecord, operation: Uint8Array) => codeOf(() => applyGroupOperation(sodium, record, { ...genuine, operation }))
    for (let i = 0; i < genuine.operation.length; i++) {
      const operation = genuine.operation.slice()
      operation[i]! ^= 1
      expect(['groups/invalid-operation', 'protocol/malformed']).toContain(tryIt(group, operation))
    }
    expect(tryIt(applyGroupOperation(sodium, group, genuine), genuine.operation)).toBe('groups/stale-state')
    const elsewhere = operationOf(alice, { epoch: group.state.epoch + 1, parentHash: group.hash, groupId: mallory.local.accountId as never }, add)
    expect(tryIt(group, elsewhere.operation)).toBe('groups/invalid-operation')
    expect(encodeGroupRecord(group)).toEqual(before)
  })

  test('attack 33: the loser is evidence, a confirmed fork freezes, resolve heals', () => {
    const [admin2] = [bob]
    const base = applied(group, alice, { type: 'set-role', accountId: bob.local.accountId, role: 'admin' })
    const one = applied(base, alice, { type: 'set-title', title: Uint8Array.of(1) })
    const lost = nextOperation(base, admin2, add)
    const two = applyGroupOperation(sodium, base, lost)
    const noted = recordSibling(sodium, one, { ...lost, parent: base.state })
    expect(noted.evidence).toHaveLength(1)
    expect([noted.fork, noted.hash]).toEqual([null, one.hash])
    const own = ownChain(two, bob)
    const seen = read(taken(one, bob, own), said(two, own, 'from the other branch').message, noted)
    if (seen.kind !== 'fork') throw new Error(seen.kind)
    const frozen = freezeGroup(noted, seen.seen)
    expect(decodeGroupRecord(sodium, encodeGroupRecord(frozen))).toEqual(frozen)
    expect(codeOf(() => said(frozen, ownChain(one, alice), 'x'))).toBe('groups/frozen')
    expect(codeOf(() => applied(frozen, alice, { type: 'leave' }))).toBe('groups/frozen')
    const [first, second] = Buffer.compare(one.hash, two.hash) < 0 ? [one, two] : [two, one]
    const change = { type: 'resolve', otherHead: second.hash } as const
    const place = { epoch: one.state.epoch + 1, parentHash: first.hash }
    const healedOne = resolveFork(sodium, frozen, { ...operationOf(alice, place, change), otherHead: two.state })
    const healedTwo = resolveFork(sodium, two, { ...operationOf(alice, place, change), otherHead: one.state })
    expect(healedOne.hash).toEqual(healedTwo.hash)
    expect(healedOne.fork).toBeNull()
    expect(healedOne.state.members.map(({ accountId }) => accountId)).toEqual(group.state.members.map(({ accountId }) => accountId))
    expect(renewalDue(own, { view: groupView(healedOne), now: START, devicesRevokedAt: 0 })).toBe('member-removed')
    const byMember = operationOf(mallory, place, change)
    expect(codeOf(() => resolveFork(sodium, frozen, { ...byMember, otherHead: two.state }))).toBe('groups/not-allowed')
  })

  test('attack 37: an operation of a demoted administrator, signed before and delivered after, is refused', () => {
    const withBob = applied(group, alice, { type: 'set-role', accountId: bob.local.accountId, role: 'admin' })
    const early = nextOperation(withBob, bob, add)
    const demoted = applied(withBob, alice, { type: 'set-role', accountId: bob.local.accountId, role: 'member' })
    expect(codeOf(() => applyGroupOperation(sodium, demoted, early))).toBe('groups/stale-state')
    expect(codeOf(() => applyGroupOperation(sodium, demoted, nextOperation(demoted, bob, add)))).toBe('groups/not-allowed')
  })

  test('nobody but an administrator changes a group, and the last one stays', () => {
    for (const change of [add, { type: 'remove', accountId: alice.local.accountId }, { type: 'set-title', title: T('SC1/chain') }] as const)
      expect(codeOf(() => applied(group, bob, change))).toBe('groups/not-allowed')
    expect(codeOf(() => applied(group, alice, { type: 'leave' }))).toBe('groups/not-allowed')
    expect(codeOf(() => applied(group, alice, { type: 'set-role', accountId: alice.local.accountId, role: 'member' }))).toBe('groups/not-allowed')
    expect(groupView(applied(group, bob, { type: 'leave' })).isMember(bob.local.accountId)).toBe(false)
  })
})
