import { hex, idBytes, requireEqual, utf8 } from '../bytes.mjs'
import { createdState, openGroupMessage, readDistribution, readOperation, stateHash } from '../groups.mjs'

export function* checks(vectors) {
  yield ['suite', () => requireEqual(vectors.suite, 1, 'suite')]
  const sender = { account: idBytes(vectors.sender.accountId), device: vectors.sender.deviceId }
  const operation = readOperation(hex(vectors.operation), hex(vectors.sender.signingKey))
  yield ['operation', () => requireEqual([operation.account, operation.device], [sender.account, sender.device], 'actor')]
  const state = createdState(operation)
  yield [
    'state',
    () => {
      requireEqual(state, hex(vectors.state), 'state')
      requireEqual(stateHash(state), hex(vectors.stateHash), 'state hash')
    },
  ]
  yield [
    'message under a distributed chain',
    () => {
      const chain = readDistribution(hex(vectors.distribution), sender)
      requireEqual(chain.group, operation.group, 'group')
      requireEqual(openGroupMessage(chain, hex(vectors.message), { sender, state: stateHash(state), epoch: operation.epoch }), utf8(vectors.common), 'common')
    },
  ]
}
