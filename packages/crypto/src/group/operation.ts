import {
  type AccountId,
  type ConversationId,
  type DeviceId,
  equalPublicBytes,
  idFromBytes,
  idToBytes,
  isDeviceId,
  LABELS,
  LIMITS,
  parseT,
  readU32,
  readU64,
  SecureChatError,
  T,
  type Timestamp,
  u8,
  u32,
  u64,
} from '@securechat/protocol/core'
import type { LocalDevice, RemoteDevice } from '../identity/devices.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { GROUP_ROLES, type GroupRole } from './state.js'

/** What an operation does. `title` is encrypted (`sealGroupTitle`). */
export type GroupChange =
  | { readonly type: 'create'; readonly title: Uint8Array }
  | { readonly type: 'add'; readonly accountId: AccountId; readonly role: GroupRole }
  | { readonly type: 'accept' }
  | { readonly type: 'remove'; readonly accountId: AccountId }
  | { readonly type: 'leave' }
  | { readonly type: 'set-role'; readonly accountId: AccountId; readonly role: GroupRole }
  | { readonly type: 'set-title'; readonly title: Uint8Array }
  /** Ends a fork: the parent is one head, `otherHead` the other's state hash. */
  | { readonly type: 'resolve'; readonly otherHead: Uint8Array }

export interface GroupOperation {
  readonly groupId: ConversationId
  /** Of the state that it makes: the parent's + 1; 0 for `create`. */
  readonly epoch: number
  /** State hash of the parent, 32 bytes; empty for `create`. */
  readonly parentHash: Uint8Array
  readonly change: GroupChange
  readonly actor: { readonly accountId: AccountId; readonly deviceId: DeviceId }
  /** First 32 bytes of the actor's manifest hash: where the signing key was found. */
  readonly manifestHash: Uint8Array
  /** Of the actor's clock; shown, never judged by. */
  readonly time: Timestamp
}

const TYPES = ['create', 'add', 'accept', 'remove', 'leave', 'set-role', 'set-title', 'resolve'] as const
const SIGNATURE = 64
const NOTHING = new Uint8Array(0)

function encodeChange(change: GroupChange): Uint8Array {
  switch (change.type) {
    case 'create':
    case 'set-title':
      if (change.title.length > LIMITS.groupTitleBytes) throw new SecureChatError('protocol/too-large', { detail: 'group title' })
      return change.title
    case 'add':
    case 'set-role':
      return Uint8Array.of(...idToBytes(change.accountId), GROUP_ROLES[change.role])
    case 'remove':
      return idToBytes(change.accountId)
    case 'resolve':
      return change.otherHead
    default:
      return NOTHING
  }
}

const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'group operation' })
}

function decodeChange(code: number, payload: Uint8Array): GroupChange {
  const type = TYPES[code - 1] ?? malformed()
  const account = (length: number): AccountId => (payload.length === length ? idFromBytes<AccountId>(payload.subarray(0, 16)) : malformed())
  const role = (): GroupRole => (payload[16] === GROUP_ROLES.member ? 'member' : payload[16] === GROUP_ROLES.admin ? 'admin' : malformed())
  switch (type) {
    case 'create':
    case 'set-title':
      return payload.length > LIMITS.groupTitleBytes ? malformed() : { type, title: payload.slice() }
    case 'add':
    case 'set-role':
      return { type, accountId: account(17), role: role() }
    case 'remove':
      return { type, accountId: account(16) }
    case 'resolve':
      return payload.length === 32 ? { type, otherHead: payload.slice() } : malformed()
    default:
      return payload.length === 0 ? { type } : malformed()
  }
}

/** T("SC1/group/op", group, u64 epoch, parent hash, u8 type, payload, actor's account, u32 actor's device, manifest hash 32, u64 time). */
function operationBytes({ groupId, epoch, parentHash, change, actor, manifestHash, time }: GroupOperation): Uint8Array {
  const names = [idToBytes(actor.accountId), u32(actor.deviceId), manifestHash, u64(time)] as const
  return T(LABELS.groupOperation, idToBytes(groupId), u64(epoch), parentHash, u8(TYPES.indexOf(change.type) + 1), encodeChange(change), ...names)
}

export interface SignOperationInput extends Pick<GroupOperation, 'groupId' | 'epoch' | 'parentHash' | 'change' | 'time'> {
  readonly local: LocalDevice
}

/** Operation ‖ DSK signature 64. Keep the bytes: a retry sends the same ones. Throws `protocol/too-large`, `client/invalid-argument`. */
export function signGroupOperation(provider: Pick<CryptoProvider, 'ed25519Sign'>, { local, ...operation }: SignOperationInput): Uint8Array {
  const { accountId, deviceId, deviceKeys, manifest } = local
  const bytes = operationBytes({ ...operation, actor: { accountId, deviceId }, manifestHash: manifest.hash.subarray(0, 32) })
  const out = new Uint8Array(bytes.length + SIGNATURE)
  out.set(bytes)
  out.set(provider.ed25519Sign(deviceKeys.signing.secretKey.expose(), bytes), bytes.length)
  return out
}

/** What it claims; nothing of it is true before `verifyGroupOperation`. Copies. Throws `protocol/malformed`. */
export function decodeGroupOperation(bytes: Uint8Array): GroupOperation {
  if (bytes.length < SIGNATURE) return malformed()
  const fields = parseT(bytes.subarray(0, bytes.length - SIGNATURE), LABELS.groupOperation)
  const [group, epoch, parentHash, type, payload, account, device, manifestHash, time, ...more] = fields
  if (!group || epoch?.length !== 8 || !parentHash || type?.length !== 1 || !payload || !account || device?.length !== 4) return malformed()
  if (manifestHash?.length !== 32 || time?.length !== 8 || more.length > 0) return malformed()
  const change = decodeChange(type[0]!, payload)
  const operation = { groupId: idFromBytes<ConversationId>(group), epoch: readU64(epoch, 0), parentHash: parentHash.slice(), change }
  const first = change.type === 'create'
  if (first ? operation.epoch !== 0 || parentHash.length !== 0 : operation.epoch === 0 || parentHash.length !== 32) return malformed()
  const deviceId = readU32(device, 0)
  if (!isDeviceId(deviceId)) return malformed()
  const actor = { accountId: idFromBytes<AccountId>(account), deviceId }
  return { ...operation, actor, manifestHash: manifestHash.slice(), time: readU64(time, 0) }
}

/**
 * `actor` is the device as a verified manifest of its account lists it, the very manifest that the operation names. Throws `groups/invalid-operation`
 * (another device, manifest or a wrong signature), `protocol/malformed`.
 */
export function verifyGroupOperation(provider: Pick<CryptoProvider, 'ed25519Verify'>, bytes: Uint8Array, actor: RemoteDevice): GroupOperation {
  const operation = decodeGroupOperation(bytes)
  const same = operation.actor.accountId === actor.accountId && operation.actor.deviceId === actor.deviceId
  if (!same || !equalPublicBytes(operation.manifestHash, actor.manifest.hash.subarray(0, 32)))
    throw new SecureChatError('groups/invalid-operation', { detail: 'actor' })
  const at = bytes.length - SIGNATURE
  if (!provider.ed25519Verify(bytes.subarray(at), bytes.subarray(0, at), actor.signingKey))
    throw new SecureChatError('groups/invalid-operation', { detail: 'signature' })
  return operation
}

/** BLAKE2b-256(T("SC1/group/op-hash", operation without its signature)). */
export const groupOperationHash = (provider: Pick<CryptoProvider, 'blake2b'>, bytes: Uint8Array): Uint8Array =>
  provider.blake2b(32, T(LABELS.groupOperationHash, bytes.subarray(0, bytes.length - SIGNATURE)))
