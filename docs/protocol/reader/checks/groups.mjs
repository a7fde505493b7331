import { hex, idBytes, requireEqual, utf8 } from '../bytes.mjs'
import { frankingCommitment } from '../envelope.mjs'
import {
  createdState,
  joinedState,
  nextState,
  openGroupMessage,
  openInvitation,
  openTitle,
  readDistribution,
  readOperation,
  readRequest,
  stateHash,
} from '../groups.mjs'

const device = ({ accountId, deviceId, signingKey, manifestHash }) => ({
  account: idBytes(accountId),
  device: deviceId,
  signingKey: hex(signingKey),
  manifestHash: hex(manifestHash),
})

export function* checks(vectors) {
  yield ['suite', () => requireEqual(vectors.suite, 1, 'suite')]
  const sender = device(vectors.sender)
  const by = (actor, operation) => {
    const read = readOperation(hex(operation), actor.signingKey)
    requireEqual([read.account, read.device, read.manifestHash], [actor.account, actor.device, actor.manifestHash], 'actor')
    return read
  }
  const operation = by(sender, vectors.operation)
  const created = createdState(operation)
  yield [
    'state',
    () => {
      requireEqual(created, hex(vectors.state), 'state')
      requireEqual(stateHash(created), hex(vectors.stateHash), 'state hash')
    },
  ]
  const chain = readDistribution(hex(vectors.distribution), sender)
  yield [
    'message under a distributed chain',
    () => {
      requireEqual(chain.group, operation.group, 'group')
      const { common, commitment } = openGroupMessage(chain, hex(vectors.message), { sender, state: stateHash(created), epoch: operation.epoch })
      requireEqual([common, commitment], [utf8(vectors.common), null], 'common')
    },
  ]
  const { join, renewed } = vectors
  const invited = device(join.invited)
  const [rename, add, accept] = [by(sender, join.rename), by(sender, join.add), by(invited, join.accept)]
  const before = nextState(nextState(created, rename), add)
  const joined = nextState(before, accept)
  yield ['operations of a member and of one who joins', () => requireEqual(stateHash(joined), hex(join.stateHash), 'state hash')]
  yield [
    'invitation, log and title',
    () => {
      const invitation = openInvitation(hex(join.invitation), { from: sender, account: invited.account })
      requireEqual(invitation.state, before, 'state of the invitation')
      requireEqual(joinedState(invitation, [add, accept]), joined, 'state after the log')
      requireEqual(openTitle(invitation.titleKey, invitation.group, invitation.title), utf8(join.title), 'title')
    },
  ]
  yield [
    'renewed chain, request, franked message',
    () => {
      const next = readDistribution(hex(renewed.distribution), sender)
      requireEqual(next.previous, { chainId: chain.chainId, length: renewed.previousLength }, 'previous chain')
      requireEqual(readRequest(hex(renewed.request)), { group: next.group, epoch: accept.epoch, chainId: next.chainId }, 'request')
      const { common, commitment } = openGroupMessage(next, hex(renewed.message), { sender, state: stateHash(joined), epoch: accept.epoch })
      requireEqual(common, utf8(renewed.common), 'common')
      const names = { conversation: next.group, account: sender.account, device: sender.device, message: hex(renewed.messageId) }
      requireEqual(commitment, frankingCommitment({ ...names, frankingKey: hex(renewed.frankingKey), common }), 'franking commitment')
    },
  ]
}
