import { type ConversationId, idFromBytes, type MessageId, parseSenderKeyMessage, type SenderKeyMessage, T } from '@securechat/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sealCommitting } from '../../src/aead/committing.js'
import { frankingStamp, verifyFrankingReport } from '../../src/franking/server/index.js'
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
  encryptToGroup,
  freezeGroup,
  type GroupRecord,
  groupView,
  mustForget,
  openGroupTitle,
  type PeerChains,
  parkMessage,
  recordSibling,
  renewalDue,
  resolveFork,
  sealGroupTitle,
  unparkMessages,
} from '../../src/group/index.js'
import { frankingCommitment, verifyFrankingCommitment } from '../../src/index.js'
import { pairwiseSender } from '../../src/session/sender.js'
import { codeOf } from '../support/codes.js'
import { frankingServer } from '../support/franking.js'
import { applied, GROUP, groupDeps, groupOf, groupPerson, nextOperation, operationOf, ownChain, said, taken } from '../support/groups.js'
import { bytesOf, DAY, START, textOf } from '../support/people.js'
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
    // Nor does a new chain lead back to it.
    expect(codeOf(() => ownChain(group, alice, { replaces: own }))).toBe('groups/stale-state')
    expect(codeOf(() => ownChain(group, bob, { replaces: own }))).toBe('client/invalid-argument')
    expect(ownChain(later, alice, { replaces: own }).previous).toEqual({ chainId: own.chainId, length: 1 })
  })

  test('renewal makes another signing key and another chain key', () => {
    const own = ownChain(group, alice)
    const renewed = ownChain(group, alice, { replaces: own, seed: 9 })
    expect(renewed.signing.publicKey).not.toEqual(own.signing.publicKey)
    expect(renewed.chainKey.expose()).not.toEqual(own.chainKey.expose())
    // What the old chain signs is not heard as the new one, and the other way round.
    const peer = taken(group, alice, renewed, taken(group, alice, own))
    const mixed = { ...said(group, renewed, 'x').own, signing: own.signing }
    expect(refusal(peer, () => read(peer, said(group, mixed, 'y').message))).toBe('crypto/invalid-signature')
  })

  test('a kept key opens its message for 14 days and not longer, and the gap goes with it', () => {
    const own = ownChain(group, alice)
    const late = said(group, own, 'late')
    const peer = opened(taken(group, alice, own), said(group, late.own, 'first').message).peer
    const at = (days: number, ms = 0) => ({ ...groupDeps(), now: START + days * DAY + ms })
    const onTime = decryptFromGroup(at(14), { peer, view, message: late.message })
    expect(onTime.kind === 'message' && textOf(onTime.plaintext.common)).toBe('late')
    expect(refusal(peer, () => decryptFromGroup(at(14, 1), { peer, view, message: late.message }))).toBe('crypto/duplicate-message')
    const later = acceptDistribution(at(14, 1), { sender: pairwiseSender(alice.remote), distribution: encodeDistribution(own), view, known: peer })
    expect(later.chains[0]!.skipped).toEqual([])
  })

  test('of one device the newest 3 chains are kept; what comes late on the third is read, on the fourth no more', () => {
    let own = ownChain(group, alice)
    let peer = taken(group, alice, own)
    const late: Uint8Array[] = []
    for (let i = 0; i < 4; i++) {
      const [lost, read] = [said(group, own, `late ${i}`), said(group, said(group, own, `late ${i}`).own, `read ${i}`)]
      late.push(lost.message)
      peer = opened(peer, read.message).peer
      if (i === 3) break
      own = ownChain(group, alice, { replaces: read.own, seed: 20 + i })
      peer = taken(group, alice, own, peer)
    }
    expect(peer.chains).toHaveLength(3)
    expect(peer.chains.map(({ chainKey }) => chainKey === null)).toEqual([false, true, true])
    expect(refusal(peer, () => read(peer, late[0]!))).toBe('crypto/no-session')
    for (let i = 1; i < 4; i++) expect(textOf(opened(peer, late[i]!).plaintext.common)).toBe(`late ${i}`)
  })

  test('a franked group message is checked on arrival and can be reported by who was a member', () => {
    const own = ownChain(group, alice)
    const { accountId, deviceId } = alice.local
    const frankingKey = new Uint8Array(32).fill(6)
    const names = { conversationId: GROUP, accountId, deviceId, messageId: idFromBytes<MessageId>(new Uint8Array(16).fill(7)) }
    const common = bytesOf('reportable')
    const franking = frankingCommitment(sodium, { ...names, frankingKey, common })
    const plaintext = { common, manifest: { version: 1, hash: new Uint8Array(32).fill(1) } }
    const { message } = encryptToGroup(groupDeps(), { own, view, plaintext, franking, devicesRevokedAt: 0 })
    const peer = taken(group, alice, own)
    const received = opened(peer, message)
    if (!received.franking) throw new Error('not franked')
    const opening = { ...names, frankingKey, common: received.plaintext.common, commitment: received.franking }
    verifyFrankingCommitment(sodium, opening)
    expect(codeOf(() => verifyFrankingCommitment(sodium, { ...opening, accountId: bob.local.accountId }))).toBe('crypto/authentication-failed')
    const audience = { kind: 'group', groupId: GROUP, epoch: received.epoch } as const
    const server = frankingServer(sodium)
    const stamp = frankingStamp(server, { commitment: received.franking, sender: { accountId, deviceId }, audience, time: START })
    const report = { ...opening, sender: { accountId, deviceId }, audience, stamp }
    const judge = (changed: object, wasMember = true) =>
      verifyFrankingReport(server, { report: { ...report, ...changed }, reporter: bob.local.accountId, wasMember, now: START, maxAge: DAY })
    expect(judge({}).time).toBe(START)
    expect(codeOf(() => judge({}, false))).toBe('crypto/authentication-failed')
    expect(codeOf(() => judge({ audience: { ...audience, epoch: audience.epoch + 1 } }))).toBe('crypto/authentication-failed')
    // The commitment is part of what is signed.
    const changed = message.slice()
    changed[100]! ^= 1
    expect(refusal(peer, () => read(peer, changed))).toBe('crypto/invalid-signature')
  })

  test('a title is read by who has its key, in its group alone', () => {
    const titleKey = new Uint8Array(32).fill(4)
    const sealed = sealGroupTitle(groupDeps(), { titleKey, groupId: GROUP, title: bytesOf('Hiking') })
    const open = (changed: object) => openGroupTitle(groupDeps(), { titleKey, groupId: GROUP, sealed, ...changed })
    expect(textOf(open({}))).toBe('Hiking')
    expect(Buffer.from(sealed).includes('Hiking')).toBe(false)
    expect(sealGroupTitle(groupDeps(sodium, START, 6), { titleKey, groupId: GROUP, title: bytesOf('Hiking') })).not.toEqual(sealed)
    const elsewhere = idFromBytes<ConversationId>(new Uint8Array(16).fill(1))
    const other = { titleKey: new Uint8Array(32).fill(5), groupId: elsewhere, sealed: sealed.map((byte, i) => (i === 30 ? byte ^ 1 : byte)) }
    for (const name of ['titleKey', 'groupId', 'sealed'] as const) expect(codeOf(() => open({ [name]: other[name] }))).toBe('crypto/authentication-failed')
    expect(codeOf(() => sealGroupTitle(groupDeps(), { titleKey, groupId: GROUP, title: new Uint8Array(1000) }))).toBe('protocol/too-large')
    const after = applied(group, alice, { type: 'set-title', title: sealed })
    expect(after.state.title).toEqual(sealed)
    expect(after.state.keysSince).toBe(group.state.keysSince)
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
    const from = (i: number, device: number) => ({ ...entry, deviceId: device as typeof entry.deviceId, message: Uint8Array.of(i, device) })
    const full = Array.from({ length: 200 }, (_, i) => from(i, 10 + (i % 4)))
    expect(codeOf(() => parkMessage(full, entry))).toBe('crypto/limit-exceeded')
    expect(parkMessage(full.slice(1), entry)).toHaveLength(200)
    // One device alone does not take the room of all.
    const greedy = Array.from({ length: 50 }, (_, i) => from(i, 10))
    expect(codeOf(() => parkMessage(greedy, from(50, 10)))).toBe('crypto/limit-exceeded')
    expect(parkMessage(greedy, entry)).toHaveLength(51)
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
    const listed = () => true
    expect(mustForget(peer, groupView(after), listed)).toBe(true)
    expect(mustForget(peer, view, listed)).toBe(false)
    expect(mustForget(peer, view, ({ accountId, deviceId }) => accountId !== mallory.local.accountId || deviceId !== mallory.local.deviceId)).toBe(true)
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

describe('kept back', () => {
  test('attack 38: a whole chain that was kept back, keys and messages, is shown with the next one', () => {
    const own = ownChain(group, alice)
    const known = opened(taken(group, alice, own), said(group, own, 'first').message).peer
    const first = said(group, own, 'first').own
    const hidden = ownChain(group, alice, { replaces: first, seed: 9 })
    const [one, two] = [said(group, hidden, '0'), said(group, said(group, hidden, '0').own, '1')]
    const renewed = ownChain(group, alice, { replaces: two.own, seed: 10 })
    const result = opened(taken(group, alice, renewed, known), said(group, renewed, 'new').message)
    expect(result.missing).toEqual([{ chainId: hidden.chainId, from: 0, to: 2 }])
    expect(encodePeerChains(decodePeerChains(encodePeerChains(result.peer)))).toEqual(encodePeerChains(result.peer))
    // Who comes later was not there, and misses nothing.
    expect(opened(taken(group, alice, renewed), said(group, renewed, 'new').message).missing).toEqual([])
    // The keys come after all: what is read is missing no more.
    const late = opened(opened(taken(group, alice, hidden, result.peer), one.message).peer, two.message)
    expect([textOf(late.plaintext.common), late.missing]).toEqual(['1', []])
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
    for (const actor of [mallory, dave]) {
      const byOther = operationOf(actor, place, change)
      expect(codeOf(() => resolveFork(sodium, frozen, { ...byOther, otherHead: two.state }))).toBe('groups/not-allowed')
    }
  })

  test('attack 33: an administrator of one branch alone does not resolve', () => {
    const base = applied(group, alice, { type: 'set-role', accountId: bob.local.accountId, role: 'admin' })
    const [one, two] = [
      applied(base, alice, { type: 'set-role', accountId: bob.local.accountId, role: 'member' }),
      applied(base, bob, { type: 'set-title', title: Uint8Array.of(1) }),
    ]
    const [first, second] = Buffer.compare(one.hash, two.hash) < 0 ? [one, two] : [two, one]
    const place = { epoch: base.state.epoch + 2, parentHash: first.hash }
    const resolve = (actor: typeof alice, record: GroupRecord, other: GroupRecord) =>
      resolveFork(sodium, record, { ...operationOf(actor, place, { type: 'resolve', otherHead: second.hash }), otherHead: other.state })
    for (const [record, other] of [
      [one, two],
      [two, one],
    ] as const) {
      const before = encodeGroupRecord(record)
      expect(codeOf(() => resolve(bob, record, other))).toBe('groups/not-allowed')
      expect(encodeGroupRecord(record)).toEqual(before)
      // Who lost a role in one branch does not have it after.
      expect(resolve(alice, record, other).state.members.find(({ accountId }) => accountId === bob.local.accountId)?.role).toBe('member')
    }
  })

  test('attack 33: late messages of the branch that a resolution ended do not freeze the group again', () => {
    const base = applied(group, alice, { type: 'set-role', accountId: bob.local.accountId, role: 'admin' })
    const one = applied(base, alice, { type: 'set-title', title: Uint8Array.of(1) })
    const two = applied(base, bob, { type: 'set-title', title: Uint8Array.of(2) })
    const own = ownChain(two, bob)
    const { message } = said(two, own, 'from the other branch')
    const peer = taken(one, bob, own)
    const [first, second] = Buffer.compare(one.hash, two.hash) < 0 ? [one, two] : [two, one]
    const place = { epoch: one.state.epoch + 1, parentHash: first.hash }
    const healed = resolveFork(sodium, one, { ...operationOf(alice, place, { type: 'resolve', otherHead: second.hash }), otherHead: two.state })
    expect(decodeGroupRecord(sodium, encodeGroupRecord(healed))).toEqual(healed)
    expect(refusal(peer, () => read(peer, message, healed))).toBe('groups/stale-state')
    const seen = { epoch: two.state.epoch, stateHash: two.hash, accountId: bob.local.accountId }
    expect(codeOf(() => freezeGroup(healed, seen))).toBe('client/invalid-argument')
    // What was said on the own branch is still read.
    const mine = ownChain(one, bob, { seed: 6 })
    const before = taken(one, bob, mine)
    expect(textOf(opened(before, said(one, mine, 'on this branch').message, healed).plaintext.common)).toBe('on this branch')
    // A fork from the resolution on is one.
    const third = applied(healed, alice, { type: 'set-title', title: Uint8Array.of(3) })
    const fourth = applied(healed, alice, { type: 'set-title', title: Uint8Array.of(4) })
    const renewed = ownChain(fourth, bob, { seed: 7 })
    expect(read(taken(third, bob, renewed), said(fourth, renewed, 'x').message, third).kind).toBe('fork')
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
