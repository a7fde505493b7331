import { equalPublicBytes, SecureChatError } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'
import { applyGroupOperation, type ReceivedOperation } from './apply.js'
import type { GroupInvitation } from './invitation.js'
import { groupOperationHash, verifyGroupOperation } from './operation.js'
import { type GroupRecord, memberOf } from './state.js'

export interface JoinInput {
  readonly invitation: GroupInvitation
  /** The server's log, from the operation that made the invitation's state to the newest one. */
  readonly log: readonly ReceivedOperation[]
}

/**
 * The group at the head of the server's log, for one who has not seen its beginning: inviter and server have to tell of the same operations, and each one
 * after the invitation's state is judged like any other. Sign `accept` on what comes out: its parent hash carries the state that was believed here to all members,
 * of whom none applies it to another one. Throws `groups/invalid-operation` (inviter and log differ), `groups/stale-state` (the log does not begin there, or its
 * operations do not follow each other), `groups/not-a-member` (the invitation was withdrawn), and what `applyGroupOperation` throws; a `resolve` in the log needs a
 * newer invitation.
 */
export function joinGroup(provider: Pick<CryptoProvider, 'blake2b' | 'ed25519Verify'>, { invitation, log }: JoinInput): GroupRecord {
  const { state, hash, invited } = invitation
  const [first, ...later] = log
  if (!first) throw new SecureChatError('groups/stale-state', { detail: 'log' })
  const operation = verifyGroupOperation(provider, first.operation, first.actor)
  if (operation.groupId !== state.groupId || operation.epoch !== state.epoch)
    throw new SecureChatError('groups/stale-state', { detail: 'beginning of the log' })
  if (!equalPublicBytes(groupOperationHash(provider, first.operation), state.operationHash))
    throw new SecureChatError('groups/invalid-operation', { detail: 'inviter and log differ' })
  let record: GroupRecord = { state, hash, history: [], evidence: [], fork: null, forksSince: 0 }
  for (const received of later) record = applyGroupOperation(provider, record, received)
  if (!memberOf(record.state, invited)) throw new SecureChatError('groups/not-a-member', { detail: 'invitation withdrawn' })
  return record
}
