// 08 Groups: the reading side of a group with one operation and of its first sender key.
import { concat, cursor, EMPTY, key, readKey, readT, readTPrefix, readUint, refuse, same, T, uint } from './bytes.mjs'
import { unpad } from './envelope.mjs'
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

/** Takes a distribution as the chain of the device of the pairwise session that it came over. */
export function readDistribution(bytes, { account, device }) {
  const [version, group, epoch, chainId, n, chainKey, firstHash, signing, previous, previousLength, ...more] = readT(bytes, 'SC1/sk/dist')
  if (!same(version, uint(1, 1)) || more.length > 0 || chainKey.length !== 32) refuse('distribution')
  const signingKey = readKey('ed25519', signing)
  const computed = H256(T('SC1/sk/id', group, epoch, account, uint(4, device), key('ed25519', signingKey), firstHash))
  if (!same(computed, chainId)) refuse('chain id')
  if (readUint(n) === 0 && !same(H256(T('SC1/sk/ck0', chainKey)), firstHash)) refuse('first chain key')
  if (previous.length === 0 && readUint(previousLength) !== 0) refuse('previous chain')
  return { group, epoch: readUint(epoch), chainId, next: readUint(n), chainKey, signingKey }
}

/** message = header ‖ signature 64 ‖ commitment 32 ‖ ciphertext (05, "Sender-key messages") */
export function openGroupMessage(chain, message, { sender, state, epoch }) {
  const from = cursor(message)
  const fixed = from.take(4)
  if (!same(fixed.subarray(0, 3), Uint8Array.of(1, 1, 3)) || fixed[3] > 1) refuse('kept for a later reader')
  const [group, epochSaid, hash, chainId, n] = [from.take(16), from.uint(8), from.take(32), from.take(32), from.uint(4)]
  from.take(fixed[3] & 1 ? 32 : 16)
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
  return common
}
