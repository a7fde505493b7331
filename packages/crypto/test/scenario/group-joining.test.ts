import { type DeviceId, idToBytes, LABELS, T, u8, u32, u64 } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import {
  answerSenderKeyRequest,
  applyGroupOperation,
  decryptFromGroup,
  encodeDistribution,
  encodeGroupRecord,
  encodeGroupState,
  type GroupRecord,
  groupStateHash,
  groupView,
  joinGroup,
  openGroupTitle,
  openInvitation,
  type ReceivedOperation,
  sealGroupTitle,
  signInvitation,
} from '../../src/group/index.js'
import { Secret } from '../../src/index.js'
import { pairwiseSender } from '../../src/session/sender.js'
import { codeOf } from '../support/codes.js'
import { applied, GROUP, type GroupPerson, groupDeps, groupOf, groupPerson, nextOperation, ownChain, said, taken } from '../support/groups.js'
import { bytesOf, DAY, START, textOf } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'

const [alice, bob, mallory, dave] = [groupPerson(1), groupPerson(2), groupPerson(3), groupPerson(4)] as const
const titleKey = new Secret(new Uint8Array(32).fill(4))
const title = sealGroupTitle(groupDeps(), { titleKey: titleKey.expose(), groupId: GROUP, title: bytesOf('Hiking') })
const group = applied(groupOf([alice, bob, mallory]), alice, { type: 'set-title', title })
const add = nextOperation(group, alice, { type: 'add', accountId: dave.local.accountId, role: 'member' })
const invited = applyGroupOperation(sodium, group, add)

const invitationOf = (record: GroupRecord = invited, by: GroupPerson = alice, who = dave) =>
  signInvitation(sodium, { record, local: by.local, invited: who.local.accountId, titleKey, time: START })
const openedBy = (who: GroupPerson, invitation: Uint8Array, from: GroupPerson = alice, provider = sodium) =>
  openInvitation(provider, { sender: pairwiseSender(from.remote), inviter: from.remote, invitation, accountId: who.local.accountId })

/** As `signInvitation`, by whom it would refuse. */
function unchecked({ local }: GroupPerson): Uint8Array {
  const { accountId, deviceId, manifest, deviceKeys } = local
  const names = [idToBytes(dave.local.accountId), idToBytes(accountId), u32(deviceId), manifest.hash.subarray(0, 32)] as const
  const statement = T(LABELS.groupInvite, u8(1), idToBytes(GROUP), u64(invited.state.epoch), invited.hash, ...names, u64(START))
  const signature = sodium.ed25519Sign(deviceKeys.signing.secretKey.expose(), statement)
  return T(LABELS.groupInvitation, u8(1), statement, signature, encodeGroupState(invited.state), new Uint8Array(0))
}

/** A device of dave's that is not the first. */
const second = { ...groupPerson(9) }
const daveTwo: GroupPerson = {
  local: { ...second.local, accountId: dave.local.accountId, deviceId: 2 as DeviceId },
  remote: { ...second.remote, accountId: dave.remote.accountId, deviceId: 2 as DeviceId },
}

describe('joining', () => {
  test.each(providers)('$name: who was invited gets the state, accepts, and only then the keys', (provider) => {
    const invitation = openedBy(dave, invitationOf(), alice, provider)
    expect([invitation.hash, invitation.state]).toEqual([invited.hash, invited.state])
    expect(textOf(openGroupTitle(groupDeps(provider), { titleKey: titleKey.expose(), groupId: GROUP, sealed: invitation.state.title }))).toBe('Hiking')
    const renamed = nextOperation(invited, alice, { type: 'set-title', title: new Uint8Array(0) })
    const head = applyGroupOperation(provider, invited, renamed)
    const joining = joinGroup(provider, { invitation, log: [add, renamed] })
    expect(joining.hash).toEqual(head.hash)
    expect(groupView(joining).isMember(dave.local.accountId)).toBe(false)
    const accept = nextOperation(joining, dave, { type: 'accept' })
    const [theirs, his] = [applyGroupOperation(provider, head, accept), applyGroupOperation(provider, joining, accept)]
    expect(his.hash).toEqual(theirs.hash)
    // A chain of before is given as it now is: what was said earlier stays closed.
    const own = ownChain(group, alice)
    const earlier = said(group, own, 'before')
    const peer = taken(his, alice, earlier.own)
    const result = decryptFromGroup({ provider, now: START }, { peer, view: groupView(his), message: said(theirs, earlier.own, 'welcome').message })
    expect(result.kind === 'message' && textOf(result.plaintext.common)).toBe('welcome')
    expect(codeOf(() => decryptFromGroup({ provider, now: START }, { peer, view: groupView(his), message: earlier.message }))).toBe('groups/stale-state')
  })

  test('attack 32: an invitation is refused with any byte changed, for another account, or from another device', () => {
    const genuine = signInvitation(sodium, { record: invited, local: alice.local, invited: dave.local.accountId, titleKey: null, time: START })
    for (let i = 0; i < genuine.length; i++) {
      const changed = genuine.slice()
      changed[i]! ^= 1
      expect(['groups/invalid-operation', 'protocol/malformed', 'protocol/unsupported-version']).toContain(codeOf(() => openedBy(dave, changed)))
    }
    expect(codeOf(() => openedBy(bob, genuine))).toBe('groups/invalid-operation')
    expect(codeOf(() => openedBy(dave, genuine, mallory))).toBe('groups/invalid-operation')
    const renewed = { ...alice.remote, manifest: { version: 2, hash: new Uint8Array(64).fill(9) } }
    expect(codeOf(() => openedBy(dave, genuine, { ...alice, remote: renewed }))).toBe('groups/invalid-operation')
  })

  test('attack 36: an invitation counts only over the session of the device that signed it', () => {
    const invitation = invitationOf()
    const input = { inviter: alice.remote, invitation, accountId: dave.local.accountId }
    expect(codeOf(() => openInvitation(sodium, { ...input, sender: pairwiseSender(mallory.remote) }))).toBe('client/invalid-argument')
    const claimed = { accountId: alice.local.accountId, deviceId: alice.local.deviceId }
    // @ts-expect-error a name that nobody has authenticated is not a PairwiseSender
    expect(codeOf(() => openInvitation(sodium, { ...input, sender: claimed }))).toBe('client/invalid-argument')
  })

  test('attack 31: only a joined administrator invites, and only whom an operation has added', () => {
    expect(codeOf(() => invitationOf(invited, bob))).toBe('groups/not-allowed')
    expect(codeOf(() => invitationOf(group))).toBe('groups/not-a-member')
    expect(codeOf(() => invitationOf(invited, alice, bob))).toBe('groups/not-allowed')
    // Who signs regardless is refused by the reader.
    expect(codeOf(() => openedBy(dave, unchecked(bob), bob))).toBe('groups/not-allowed')
    expect(openedBy(dave, unchecked(alice)).hash).toEqual(invited.hash)
    expect(codeOf(() => invitationOf({ ...invited, fork: { epoch: 1, stateHash: invited.hash, accountId: bob.local.accountId } }))).toBe('groups/frozen')
  })

  test('attack 31: a state that the members do not have ends with its accept: nobody applies that, and no key comes', () => {
    const members = invited.state.members.filter(({ accountId }) => accountId !== mallory.local.accountId)
    const state = { ...invited.state, members }
    // The operation that made it is the true one, so the log agrees.
    const lie = invitationOf({ ...invited, state, hash: groupStateHash(sodium, state) })
    const joining = joinGroup(sodium, { invitation: openedBy(dave, lie), log: [add] })
    const accept = nextOperation(joining, dave, { type: 'accept' })
    const before = encodeGroupRecord(invited)
    expect(codeOf(() => applyGroupOperation(sodium, invited, accept))).toBe('groups/stale-state')
    expect(encodeGroupRecord(invited)).toEqual(before)
    // Nor does one whose hash is not that of its state get as far.
    expect(codeOf(() => openedBy(dave, invitationOf({ ...invited, state })))).toBe('groups/invalid-operation')
  })

  test('attack 33: inviter and log have to tell of the same operations', () => {
    const invitation = openedBy(dave, invitationOf())
    const join = (log: readonly ReceivedOperation[]) => joinGroup(sodium, { invitation, log })
    expect(codeOf(() => join([]))).toBe('groups/stale-state')
    const other = nextOperation(group, alice, { type: 'add', accountId: dave.local.accountId, role: 'admin' })
    expect(codeOf(() => join([other]))).toBe('groups/invalid-operation')
    const later = nextOperation(invited, alice, { type: 'set-title', title: Uint8Array.of(1) })
    expect(codeOf(() => join([later]))).toBe('groups/stale-state')
    expect(codeOf(() => join([add, nextOperation(applyGroupOperation(sodium, group, other), alice, { type: 'set-title', title })]))).toBe('groups/stale-state')
    expect(codeOf(() => join([{ ...add, actor: mallory.remote }]))).toBe('groups/invalid-operation')
    expect(codeOf(() => join([add, nextOperation(invited, bob, { type: 'set-title', title })]))).toBe('groups/not-allowed')
    const withdrawn = nextOperation(invited, alice, { type: 'remove', accountId: dave.local.accountId })
    expect(codeOf(() => join([add, withdrawn]))).toBe('groups/not-a-member')
  })

  test('a further device gets the state from one of its own account, and from nobody else once the account has joined', () => {
    const joined = applied(invited, dave, { type: 'accept' })
    const accept = nextOperation(invited, dave, { type: 'accept' })
    const invitation = openedBy(daveTwo, invitationOf(joined, dave), dave)
    expect(joinGroup(sodium, { invitation, log: [accept] }).hash).toEqual(joined.hash)
    expect(codeOf(() => invitationOf(joined, alice))).toBe('groups/not-allowed')
    const signedBefore = invitationOf()
    expect(openedBy(daveTwo, signedBefore).state.epoch).toBe(invited.state.epoch)
  })
})

describe('lost sender keys', () => {
  const view = groupView(group)
  const own = ownChain(group, alice)
  const request = { groupId: GROUP, epoch: group.state.epoch, chainId: own.chainId }
  const input = { own, view, request, sender: pairwiseSender(bob.remote), now: START, devicesRevokedAt: 0, answeredAt: 0 }

  test('a member is answered with the present chain, once an hour', () => {
    expect(answerSenderKeyRequest(input)).toEqual(encodeDistribution(own))
    expect(answerSenderKeyRequest({ ...input, now: START + 3_599_999, answeredAt: START })).toBeNull()
    expect(answerSenderKeyRequest({ ...input, now: START + 3_600_000, answeredAt: START })).toEqual(encodeDistribution(own))
    expect(answerSenderKeyRequest({ ...input, answeredAt: START + 1 })).toBeNull()
  })

  test('no chain that is due for renewal is given out', () => {
    expect(answerSenderKeyRequest({ ...input, own: null })).toBeNull()
    expect(answerSenderKeyRequest({ ...input, devicesRevokedAt: START })).toBeNull()
    expect(answerSenderKeyRequest({ ...input, now: START + 7 * DAY })).toBeNull()
    const after = groupView(applied(group, alice, { type: 'remove', accountId: mallory.local.accountId }))
    expect(answerSenderKeyRequest({ ...input, view: after })).toBeNull()
  })

  test('attack 34: who was removed or only invited is not answered', () => {
    const removed = groupView(applied(group, alice, { type: 'remove', accountId: bob.local.accountId }))
    expect(codeOf(() => answerSenderKeyRequest({ ...input, view: removed }))).toBe('groups/not-a-member')
    const sender = pairwiseSender(dave.remote)
    expect(codeOf(() => answerSenderKeyRequest({ ...input, view: groupView(invited), sender }))).toBe('groups/not-a-member')
    const claimed = { accountId: bob.local.accountId, deviceId: bob.local.deviceId }
    // @ts-expect-error a name that nobody has authenticated is not a PairwiseSender
    expect(codeOf(() => answerSenderKeyRequest({ ...input, sender: claimed }))).toBe('client/invalid-argument')
  })
})
