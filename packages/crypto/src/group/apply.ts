import { type AccountId, comparePublicBytes, equalPublicBytes, LIMITS, SecureChatError } from '@securechat/protocol/core'
import type { RemoteDevice } from '../identity/devices.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { type GroupChange, type GroupOperation, groupOperationHash, verifyGroupOperation } from './operation.js'
import { compareIds, type GroupMember, type GroupRecord, type GroupState, groupStateHash, memberOf } from './state.js'

type Verifier = Pick<CryptoProvider, 'blake2b' | 'ed25519Verify'>

/** `actor` from the verified manifest that the operation names. */
export interface ReceivedOperation {
  readonly operation: Uint8Array
  readonly actor: RemoteDevice
}

const refuse = (detail: string): never => {
  throw new SecureChatError('groups/not-allowed', { detail })
}
const invalid = (detail: string): never => {
  throw new SecureChatError('groups/invalid-operation', { detail })
}
const isAdmin = (member: GroupMember): boolean => member.joined && member.role === 'admin'

const without = (members: readonly GroupMember[], accountId: AccountId): GroupMember[] => members.filter((member) => member.accountId !== accountId)
const replaced = (members: readonly GroupMember[], changed: GroupMember): GroupMember[] =>
  members.map((member) => (member.accountId === changed.accountId ? changed : member))

/** At its place in the order. By halves: to sort a thousand anew at every operation would cost a joiner who applies a thousand of them a minute. */
function inserted(members: readonly GroupMember[], added: GroupMember): GroupMember[] {
  let [from, to] = [0, members.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (compareIds(members[middle]!.accountId, added.accountId) < 0) from = middle + 1
    else to = middle
  }
  return [...members.slice(0, from), added, ...members.slice(from)]
}

/** A group with joined members has an administrator among them, or nobody could ever change it again. */
function requireAdminLeft(members: readonly GroupMember[]): readonly GroupMember[] {
  if (members.some(({ joined }) => joined) && !members.some(isAdmin)) refuse('last administrator')
  return members
}

type Outcome = Partial<Pick<GroupState, 'members' | 'title'>> & { readonly renews?: boolean }

/** What the change makes of the parent, if its actor may. The parent alone decides: an administrator of later or earlier days counts for nothing. */
function judge({ members }: GroupState, actorId: AccountId, change: Exclude<GroupChange, { type: 'create' | 'resolve' }>): Outcome {
  const actor = memberOf({ members }, actorId) ?? refuse('not a member')
  if (change.type === 'accept') return actor.joined ? invalid('joined already') : { members: replaced(members, { ...actor, joined: true }) }
  if (change.type === 'leave') return { members: requireAdminLeft(without(members, actorId)), renews: actor.joined }
  if (!isAdmin(actor)) return refuse('not an administrator')
  if (change.type === 'set-title') return { title: change.title }
  const subject = memberOf({ members }, change.accountId)
  if (change.type === 'add') {
    if (subject) return invalid('member already')
    if (members.length >= LIMITS.groupMembers) throw new SecureChatError('protocol/too-large', { detail: 'group members' })
    return { members: inserted(members, { accountId: change.accountId, role: change.role, joined: false }) }
  }
  if (!subject) return invalid('no such member')
  if (change.type === 'set-role') return { members: requireAdminLeft(replaced(members, { ...subject, role: change.role })) }
  if (change.accountId === actorId) return invalid('leave instead')
  return { members: without(members, change.accountId), renews: subject.joined }
}

function successor(provider: Verifier, parent: GroupState, { operation, bytes }: { operation: GroupOperation; bytes: Uint8Array }): GroupState {
  const { change, epoch, actor } = operation
  if (change.type === 'create' || change.type === 'resolve') return invalid('type')
  if (operation.groupId !== parent.groupId || epoch !== parent.epoch + 1) return invalid('place')
  const { members = parent.members, title = parent.title, renews = false } = judge(parent, actor.accountId, change)
  return { ...parent, epoch, members, title, keysSince: renews ? epoch : parent.keysSince, operationHash: groupOperationHash(provider, bytes) }
}

function follow(provider: Verifier, record: GroupRecord, state: GroupState): GroupRecord {
  const history = [...record.history, { epoch: record.state.epoch, hash: record.hash }].slice(-LIMITS.groupHistory)
  return { ...record, state, hash: groupStateHash(provider, state), history }
}

/** The group that a `create` makes, with its actor as joined administrator. Throws `groups/invalid-operation`, `protocol/malformed`. */
export function createGroup(provider: Verifier, { operation: bytes, actor }: ReceivedOperation): GroupRecord {
  const { groupId, change } = verifyGroupOperation(provider, bytes, actor)
  if (change.type !== 'create') return invalid('type')
  const members: GroupMember[] = [{ accountId: actor.accountId, role: 'admin', joined: true }]
  const state = { groupId, epoch: 0, members, title: change.title, keysSince: 0, operationHash: groupOperationHash(provider, bytes) }
  return { state, hash: groupStateHash(provider, state), history: [], evidence: [], fork: null, forksSince: 0 }
}

/**
 * The next operation. Pure. Throws `groups/invalid-operation` (signature, group, senseless), `groups/not-allowed`, `groups/stale-state` (its parent is not the
 * present state: fetch what is between, rebase one's own, or `recordSibling`), `groups/frozen`, `protocol/malformed`, `protocol/too-large`.
 */
export function applyGroupOperation(provider: Verifier, record: GroupRecord, { operation: bytes, actor }: ReceivedOperation): GroupRecord {
  const operation = verifyGroupOperation(provider, bytes, actor)
  if (operation.groupId !== record.state.groupId) return invalid('group')
  if (record.fork) throw new SecureChatError('groups/frozen')
  if (!equalPublicBytes(operation.parentHash, record.hash)) throw new SecureChatError('groups/stale-state', { detail: 'parent' })
  return follow(provider, record, successor(provider, record.state, { operation, bytes }))
}

/**
 * Keeps a valid operation whose parent, an applied state, already has a successor. Evidence only: every lost race leaves one. `parent` is that state, judged by
 * its hash. Throws as `applyGroupOperation`; `groups/invalid-operation` where the parent was never applied or the operation is the applied one.
 */
export function recordSibling(
  provider: Verifier,
  record: GroupRecord,
  { parent, ...received }: ReceivedOperation & { readonly parent: GroupState },
): GroupRecord {
  const operation = verifyGroupOperation(provider, received.operation, received.actor)
  const hash = groupStateHash(provider, parent)
  const applied = record.history.some((past) => past.epoch === parent.epoch && equalPublicBytes(past.hash, hash))
  if (!applied || !equalPublicBytes(operation.parentHash, hash)) return invalid('parent')
  const made = groupStateHash(provider, successor(provider, parent, { operation, bytes: received.operation }))
  const ours = [...record.history, { epoch: record.state.epoch, hash: record.hash }].find(({ epoch }) => epoch === operation.epoch)
  if (ours && equalPublicBytes(ours.hash, made)) return invalid('applied already')
  if (record.evidence.some((known) => equalPublicBytes(known.operation, received.operation))) return record
  const evidence = [...record.evidence, { epoch: operation.epoch, operation: received.operation.slice() }].slice(-LIMITS.groupEvidence)
  return { ...record, evidence }
}

/** One who is in both branches keeps the lesser role, and has joined if he has in both. */
function common(a: GroupState, b: GroupState): GroupMember[] {
  return a.members.flatMap((member) => {
    const other = memberOf(b, member.accountId)
    if (!other) return []
    return [{ accountId: member.accountId, role: member.role === other.role ? member.role : 'member', joined: member.joined && other.joined }]
  })
}

/**
 * Ends a fork. The operation names both heads, the lexically smaller as its parent, and its actor is an administrator in both; the common members stay, the title is
 * that of the parent, all chains are renewed. `record` is at one of the heads, `otherHead` is the other's state. Works on every device of either branch, frozen or not. Throws
 * `groups/invalid-operation`, `groups/not-allowed`, `groups/stale-state` (this device is at neither head), `protocol/malformed`.
 */
export function resolveFork(
  provider: Verifier,
  record: GroupRecord,
  { operation: bytes, actor, otherHead }: ReceivedOperation & { readonly otherHead: GroupState },
): GroupRecord {
  const operation = verifyGroupOperation(provider, bytes, actor)
  const { change, parentHash, epoch } = operation
  if (change.type !== 'resolve') return invalid('type')
  const other = groupStateHash(provider, otherHead)
  const oursFirst = comparePublicBytes(record.hash, other) < 0
  const [first, second] = oursFirst ? [record.state, otherHead] : [otherHead, record.state]
  const [firstHash, secondHash] = oursFirst ? [record.hash, other] : [other, record.hash]
  if (!equalPublicBytes(parentHash, firstHash) || !equalPublicBytes(change.otherHead, secondHash))
    throw new SecureChatError('groups/stale-state', { detail: 'heads' })
  if (operation.groupId !== first.groupId || first.groupId !== second.groupId || equalPublicBytes(firstHash, secondHash)) return invalid('heads')
  if (epoch !== Math.max(first.epoch, second.epoch) + 1) return invalid('place')
  for (const head of [first, second]) {
    const member = memberOf(head, actor.accountId)
    if (!member || !isAdmin(member)) return refuse('not an administrator of both')
  }
  const members = common(first, second)
  const state = { ...first, epoch, members, keysSince: epoch, operationHash: groupOperationHash(provider, bytes) }
  return { ...follow(provider, record, state), fork: null, forksSince: epoch }
}
