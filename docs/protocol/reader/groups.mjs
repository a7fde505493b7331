// 08 Groups: operations and their states, invitations, sender keys.
import { concat, cursor, EMPTY, key, readKey, readT, readTPrefix, readUint, refuse, same, T, uint } from './bytes.mjs'
import { openRecord, unpad } from './envelope.mjs'
import { aeadOpen, expand, H, requireCommitment, verifySignature } from './primitives.mjs'

const H256 = (message) => H(message, undefined, 32)
const TYPES = { 1: 'create', 2: 'add', 3: 'accept', 4: 'remove', 5: 'leave', 6: 'set-role', 7: 'set-title', 8: 'resolve' }

/** sent = operation ‖ signature 64 */
export function readOperation(bytes, actorSigningKey) {
  const { fields, read, rest } = readTPrefix(bytes, 'SC1/group/op')
  verifySignature(actorSigningKey, read, rest, 'operation')
  const [group, epoch, parentHash, type, payload, account, device, manifestHash, time, ...more] = fields
  if (more.length > 0 || group.length !== 16 || manifestHash.length !== 32) refuse('operation')
  return {
    group,
    epoch: readUint(epoch),
    parentHash,
    type: TYPES[readUint(type)] ?? refuse('type of an operation'),
    payload,
    account,
    device: readUint(device),
    manifestHash,
    time: readUint(time),
    hash: H256(T('SC1/group/op-hash', read)),
  }
}

/** The state that a `create` makes: its actor is the joined administrator (role 2). */
export function createdState({ group, epoch, parentHash, type, payload, account, hash }) {
  if (type !== 'create' || epoch !== 0 || parentHash.length !== 0) refuse('creation of a group')
  const members = concat(account, uint(1, 2), uint(1, 1))
  return T('SC1/group/state', uint(1, 1), group, uint(8, 0), members, payload, uint(8, 0), hash)
}
export const stateHash = (state) => H256(state)

export function readState(bytes) {
  const [version, group, epoch, list, title, keysSince, operationHash, ...more] = readT(bytes, 'SC1/group/state')
  if (!same(version, uint(1, 1)) || more.length > 0 || list.length % 18 !== 0) refuse('state')
  const members = []
  for (let at = 0; at < list.length; at += 18) members.push({ account: list.subarray(at, at + 16), role: list[at + 16], joined: list[at + 17] })
  return { group, epoch: readUint(epoch), members, title, keysSince: readUint(keysSince), operationHash }
}
const writeState = ({ group, epoch, members, title, keysSince, operationHash }) => {
  const sorted = [...members].sort((a, b) => Buffer.compare(a.account, b.account))
  const list = concat(...sorted.map(({ account, role, joined }) => concat(account, uint(1, role), uint(1, joined))))
  return T('SC1/group/state', uint(1, 1), group, uint(8, epoch), list, title, uint(8, keysSince), operationHash)
}

/** The state that an operation of any type but create and resolve makes of its parent. */
export function nextState(parentBytes, operation) {
  const parent = readState(parentBytes)
  const { type, payload, account, epoch } = operation
  if (!same(operation.group, parent.group) || epoch !== parent.epoch + 1 || !same(operation.parentHash, stateHash(parentBytes)))
    refuse('parent of an operation')
  const find = (who) => parent.members.find((member) => same(member.account, who))
  const actor = find(account) ?? refuse('no member')
  const self = type === 'accept' || type === 'leave'
  if (!self && !(actor.joined && actor.role === 2)) refuse('no administrator')
  const who = self ? account : payload.subarray(0, 16)
  const subject = find(who)
  const others = parent.members.filter((member) => member !== subject)
  const outcome = {
    add: () => (subject ? refuse('member already') : { members: [...others, { account: who, role: payload[16], joined: 0 }] }),
    accept: () => (actor.joined ? refuse('joined already') : { members: [...others, { ...actor, joined: 1 }] }),
    remove: () => ({ members: subject && subject !== actor ? others : refuse('nobody to remove'), keysSince: subject.joined ? epoch : parent.keysSince }),
    leave: () => ({ members: others, keysSince: actor.joined ? epoch : parent.keysSince }),
    'set-role': () => ({ members: [...others, { ...(subject ?? refuse('no such member')), role: payload[16] }] }),
    'set-title': () => ({ title: payload }),
  }[type]
  const state = { ...parent, ...(outcome ?? (() => refuse('type')))(), epoch, operationHash: operation.hash }
  const joined = state.members.filter((member) => member.joined)
  if (joined.length > 0 && !joined.some(({ role }) => role === 2)) refuse('no administrator left')
  return writeState(state)
}

export const openTitle = (titleKey, group, sealed) => openRecord(titleKey, T('SC1/group/title', group), sealed)

/** "Joining", steps 1 to 4; `from` is the device of the pairwise session, with the key and the manifest under which it was found. */
export function openInvitation(bytes, { from, account }) {
  const [version, statement, signature, stateBytes, titleKey, ...more] = readT(bytes, 'SC1/group/invitation')
  const [said, group, epoch, hash, invited, inviter, device, manifestHash, time, ...surplus] = readT(statement, 'SC1/group/invite')
  if (!same(version, uint(1, 1)) || !same(said, uint(1, 1)) || more.length + surplus.length > 0) refuse('invitation')
  if (!same(inviter, from.account) || readUint(device) !== from.device || !same(invited, account) || !same(manifestHash, from.manifestHash)) refuse('inviter')
  verifySignature(from.signingKey, statement, signature, 'invitation')
  const state = readState(stateBytes)
  if (!same(writeState(state), stateBytes) || !same(state.group, group) || state.epoch !== readUint(epoch) || !same(stateHash(stateBytes), hash))
    refuse('its state')
  const [by, subject] = [inviter, invited].map((who) => state.members.find((member) => same(member.account, who)))
  if (!subject || !(same(inviter, invited) || (by?.joined && by.role === 2 && !subject.joined))) refuse('who may invite')
  return { state: stateBytes, group, title: state.title, operationHash: state.operationHash, titleKey, time: readUint(time) }
}

/** "Joining", steps 5 and 6; `log` as `readOperation` gives it. */
export function joinedState(invitation, [first, ...later]) {
  if (!first || !same(first.hash, invitation.operationHash)) refuse('log and inviter differ')
  return later.reduce(nextState, invitation.state)
}

export function readRequest(bytes) {
  const [version, group, epoch, chainId, ...more] = readT(bytes, 'SC1/sk/request')
  if (!same(version, uint(1, 1)) || more.length > 0 || chainId.length !== 32) refuse('request')
  return { group, epoch: readUint(epoch), chainId }
}

/** Takes a distribution as the chain of the device of the pairwise session that it came over. */
export function readDistribution(bytes, { account, device }) {
  const [version, group, epoch, chainId, n, chainKey, firstHash, signing, previous, previousLength, ...more] = readT(bytes, 'SC1/sk/dist')
  if (!same(version, uint(1, 1)) || more.length > 0 || chainKey.length !== 32) refuse('distribution')
  const signingKey = readKey('ed25519', signing)
  const computed = H256(T('SC1/sk/id', group, epoch, account, uint(4, device), key('ed25519', signingKey), firstHash))
  if (!same(computed, chainId)) refuse('chain id')
  if (readUint(n) === 0 && !same(H256(T('SC1/sk/ck0', chainKey)), firstHash)) refuse('first chain key')
  if (previous.length === 0 && readUint(previousLength) !== 0) refuse('previous chain')
  return { group, epoch: readUint(epoch), chainId, next: readUint(n), chainKey, signingKey, previous: { chainId: previous, length: readUint(previousLength) } }
}

/** message = header ‖ signature 64 ‖ commitment 32 ‖ ciphertext (05, "Sender-key messages") */
export function openGroupMessage(chain, message, { sender, state, epoch }) {
  const from = cursor(message)
  const fixed = from.take(4)
  if (!same(fixed.subarray(0, 3), Uint8Array.of(1, 1, 3)) || fixed[3] > 1) refuse('kept for a later reader')
  const [group, epochSaid, hash, chainId, n] = [from.take(16), from.uint(8), from.take(32), from.take(32), from.uint(4)]
  const salt = from.take(fixed[3] & 1 ? 32 : 16)
  const header = message.subarray(0, message.length - from.rest().length)
  const signature = from.take(64)
  const sealed = from.rest()
  const commitment = from.take(32)
  if (!same(group, chain.group) || !same(chainId, chain.chainId)) refuse('chain')
  const adHash = H(T('SC1/sk/msg', sender.account, uint(4, sender.device), header))
  verifySignature(chain.signingKey, T('SC1/sk/sig', adHash, H(sealed)), signature, 'message')
  if (epochSaid !== epoch || !same(hash, state)) refuse('state of the group')
  if (n < chain.next) refuse('duplicate')
  let { chainKey } = chain
  let messageKey = EMPTY
  for (let at = chain.next; at <= n; at++) {
    const out = H(T('SC1/sk/chain'), chainKey)
    messageKey = out.subarray(0, 32)
    chainKey = out.subarray(32)
  }
  const secrets = expand(messageKey, T('SC1/msg', adHash), 88)
  requireCommitment(secrets.subarray(56), commitment)
  const plaintext = unpad(aeadOpen(secrets.subarray(0, 32), secrets.subarray(32, 56), from.rest(), adHash))
  const [common] = readT(plaintext, 'SC1/sk/plaintext')
  return { common, commitment: fixed[3] & 1 ? salt : null }
}
