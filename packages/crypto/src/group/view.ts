import { type AccountId, type ConversationId, equalPublicBytes, SecureChatError } from '@securechat/protocol/core'

/** What sender keys need to know of a group: its newest applied state, never one that a message claims. `groupView` makes it. */
export interface GroupView {
  readonly groupId: ConversationId
  readonly epoch: number
  /** 32 bytes. */
  readonly stateHash: Uint8Array
  /** Epoch of the last removal: from it on, no chain made before is used (docs/protocol/08-groups.md, "Renewal"). */
  readonly keysSince: number
  readonly frozen: boolean
  /** Epoch of the last resolution: a state of an earlier epoch is no news of a fork. */
  readonly forksSince: number
  /** Joined, not merely invited. */
  isMember(accountId: AccountId): boolean
  /** Hash of an applied epoch, the newest included; null where it is not remembered any more. */
  hashAt(epoch: number): Uint8Array | null
}

/** Another state of an applied epoch, as a member's authenticated message names it: what freezes a group. */
export interface ForkSeen {
  readonly epoch: number
  readonly stateHash: Uint8Array
  readonly accountId: AccountId
}

export type Standing = 'current' | 'future' | 'fork'

/** Throws `groups/stale-state` for an epoch that is no longer remembered, and for the branch that a resolution has ended. */
export function standing(view: GroupView, { epoch, stateHash }: { readonly epoch: number; readonly stateHash: Uint8Array }): Standing {
  if (epoch > view.epoch) return 'future'
  const ours = view.hashAt(epoch)
  if (!ours) throw new SecureChatError('groups/stale-state', { detail: 'epoch' })
  if (equalPublicBytes(ours, stateHash)) return 'current'
  // The other branch, which a resolution has ended: its late messages must not freeze the group again.
  if (epoch < view.forksSince) throw new SecureChatError('groups/stale-state', { detail: 'before the resolution' })
  return 'fork'
}
