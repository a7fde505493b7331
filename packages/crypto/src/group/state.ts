import {
  type AccountId,
  type ConversationId,
  comparePublicBytes,
  equalPublicBytes,
  idFromBytes,
  idToBytes,
  LABELS,
  LIMITS,
  parseT,
  readU64,
  SecureChatError,
  T,
  u8,
  u64,
} from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import type { CryptoProvider } from '../primitives/provider.js'
import type { ForkSeen, GroupView } from './view.js'

export const GROUP_ROLES = { member: 1, admin: 2 } as const
export type GroupRole = keyof typeof GROUP_ROLES

export interface GroupMember {
  readonly accountId: AccountId
  readonly role: GroupRole
  /** False while only invited: gets no keys, and nothing of it is read. */
  readonly joined: boolean
}

/** What all members agree on: everything that the state hash covers. */
export interface GroupState {
  readonly groupId: ConversationId
  readonly epoch: number
  /** Sorted by the bytes of the account id, each account once. */
  readonly members: readonly GroupMember[]
  /** Encrypted (`sealGroupTitle`); may be empty. */
  readonly title: Uint8Array
  /** Epoch of the last removal, departure or resolution. */
  readonly keysSince: number
  /** Hash of the operation that made this state: binds all that were before. */
  readonly operationHash: Uint8Array
}

/** A valid operation whose parent already had a successor. */
export interface SiblingOperation {
  readonly epoch: number
  readonly operation: Uint8Array
}

/** A group as one device has it: the state, and what that device alone has seen. Immutable. */
export interface GroupRecord {
  readonly state: GroupState
  /** BLAKE2b-256 of the state. */
  readonly hash: Uint8Array
  /** Hashes of the applied states before, ascending, at most `LIMITS.groupHistory`. */
  readonly history: readonly { readonly epoch: number; readonly hash: Uint8Array }[]
  /** At most `LIMITS.groupEvidence`; none of them freezes anything. */
  readonly evidence: readonly SiblingOperation[]
  /** Set once a member's authenticated message has confirmed another state: nothing is sent or applied but a resolution. */
  readonly fork: ForkSeen | null
  /** Epoch of the last resolution, 0: none. What names another state of an earlier epoch was settled by it and is late, not a fork. */
  readonly forksSince: number
}

const ROLE_NAMES: readonly (GroupRole | undefined)[] = [undefined, 'member', 'admin']

/** T("SC1/group/state", u8 version = 1, group, u64 epoch, members, title, u64 keys since, operation hash); a member is account 16 ‖ u8 role ‖ u8 joined. */
export function encodeGroupState({ groupId, epoch, members, title, keysSince, operationHash }: GroupState): Uint8Array {
  const writer = new ByteWriter(members.length * 18)
  for (const { accountId, role, joined } of members)
    writer
      .bytes(idToBytes(accountId))
      .u8(GROUP_ROLES[role])
      .u8(joined ? 1 : 0)
  return T(LABELS.groupState, u8(1), idToBytes(groupId), u64(epoch), writer.finish(), title, u64(keysSince), operationHash)
}

/** Refuses what `encodeGroupState` does not write. Throws `protocol/malformed`, `protocol/unsupported-version`. */
export function decodeGroupState(bytes: Uint8Array): GroupState {
  const malformed = (): never => {
    throw new SecureChatError('protocol/malformed', { detail: 'group state' })
  }
  const [version, group, epoch, list, title, keysSince, operationHash, ...more] = parseT(bytes, LABELS.groupState)
  if (version?.length !== 1) return malformed()
  if (version[0] !== 1) throw new SecureChatError('protocol/unsupported-version', { detail: 'group state' })
  if (!group || epoch?.length !== 8 || !list || !title || keysSince?.length !== 8 || operationHash?.length !== 32 || more.length > 0) return malformed()
  if (list.length > LIMITS.groupMembers * 18 || title.length > LIMITS.groupTitleBytes) return malformed()
  const reader = new ByteReader(list, 'protocol/malformed', 'group state')
  const members: GroupMember[] = []
  while (reader.remaining > 0) {
    const accountId = idFromBytes<AccountId>(reader.view(16))
    const role = ROLE_NAMES[reader.u8()] ?? reader.fail()
    const joined = reader.u8()
    if (joined > 1 || (members.length > 0 && compareIds(members[members.length - 1]!.accountId, accountId) >= 0)) reader.fail()
    members.push({ accountId, role, joined: joined === 1 })
  }
  const state = { groupId: idFromBytes<ConversationId>(group), epoch: readU64(epoch, 0), members, title: title.slice() }
  const since = readU64(keysSince, 0)
  if (since > state.epoch) return malformed()
  return { ...state, keysSince: since, operationHash: operationHash.slice() }
}

export const compareIds = (a: AccountId, b: AccountId): number => comparePublicBytes(idToBytes(a), idToBytes(b))

export const groupStateHash = (provider: Pick<CryptoProvider, 'blake2b'>, state: GroupState): Uint8Array => provider.blake2b(32, encodeGroupState(state))

export const memberOf = ({ members }: Pick<GroupState, 'members'>, accountId: AccountId): GroupMember | undefined =>
  members.find((member) => member.accountId === accountId)

/** What sender keys need of a group. Make it once a state: it indexes the members. */
export function groupView({ state, hash, history, fork, forksSince }: GroupRecord): GroupView {
  const joined = new Set(state.members.filter((member) => member.joined).map(({ accountId }) => accountId))
  return {
    groupId: state.groupId,
    epoch: state.epoch,
    stateHash: hash,
    keysSince: state.keysSince,
    frozen: fork !== null,
    forksSince,
    isMember: (accountId) => joined.has(accountId),
    hashAt: (epoch) => (epoch === state.epoch ? hash : (history.find((past) => past.epoch === epoch)?.hash ?? null)),
  }
}

/** After a `fork` of `decryptFromGroup`. The first one seen is kept. Throws `client/invalid-argument` where it is none, or its sender no member. */
export function freezeGroup(record: GroupRecord, seen: ForkSeen): GroupRecord {
  const view = groupView(record)
  const ours = view.hashAt(seen.epoch)
  if (!ours || equalPublicBytes(ours, seen.stateHash) || !view.isMember(seen.accountId) || seen.epoch < view.forksSince)
    throw new SecureChatError('client/invalid-argument', { detail: 'fork' })
  return record.fork ? record : { ...record, fork: seen }
}
