import { type ConversationId, idFromBytes, SecureChatError } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import type { LocalDevice } from '../identity/devices.js'
import { applyGroupOperation, createGroup } from './apply.js'
import { type GroupChange, signGroupOperation } from './operation.js'
import type { GroupRecord } from './state.js'

export interface ChangeGroupInput {
  readonly local: LocalDevice
  /** `create` for a null record, `resolve` never: that one needs both heads (`resolveFork`). */
  readonly change: Exclude<GroupChange, { type: 'resolve' }>
  /** Of a group that is created; default: 16 random bytes. */
  readonly groupId?: ConversationId
}

const NOTHING = new Uint8Array(0)

/**
 * Signs the next operation of a group and applies it here, as everybody else will with `createGroup` and `applyGroupOperation`. Commit `record` once the
 * operation has won its place (where a server orders them), and send the same bytes again after a crash. Pure. Throws as `applyGroupOperation`,
 * and `client/invalid-argument` for a `create` on a group or anything else without one.
 */
export function changeGroup(deps: CryptoDeps, record: GroupRecord | null, input: ChangeGroupInput): { operation: Uint8Array; record: GroupRecord } {
  const { local, change } = input
  if ((change.type === 'create') !== (record === null)) throw new SecureChatError('client/invalid-argument', { detail: 'group change' })
  const { accountId, deviceId, accountKey, manifest, deviceKeys } = local
  const { signing, identity } = deviceKeys
  const actor = { accountId, deviceId, accountKey, manifest, signingKey: signing.publicKey, identityKey: identity.publicKey }
  const place = record
    ? { groupId: record.state.groupId, epoch: record.state.epoch + 1, parentHash: record.hash }
    : { groupId: input.groupId ?? idFromBytes<ConversationId>(deps.random(16)), epoch: 0, parentHash: NOTHING }
  const operation = signGroupOperation(deps.provider, { ...place, change, time: deps.now, local })
  const received = { operation, actor }
  return { operation, record: record ? applyGroupOperation(deps.provider, record, received) : createGroup(deps.provider, received) }
}
