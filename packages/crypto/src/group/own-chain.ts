import { LIMITS, SecureChatError, type Timestamp } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { generateSigningKeys, type KeyPair } from '../identity/keys.js'
import { Secret } from '../secret.js'
import { type ChainOwner, chainIdOf, chainStart } from './chain.js'
import type { GroupView } from './view.js'

/** What the chain before was called and how many messages it had: so a receiver knows what it lacks of it. */
export interface PreviousChain {
  readonly chainId: Uint8Array
  readonly length: number
}

/** This device's sending chain in one group. Immutable; `encodeOwnChain` gives its bytes. */
export interface OwnChain extends ChainOwner {
  readonly chainId: Uint8Array
  /** Of the group when the chain was made, and when it last sent. */
  readonly epoch: number
  readonly sentEpoch: number
  readonly createdAt: Timestamp
  /** Of this chain alone, so that who signed is told by the pairwise sessions that brought the key. */
  readonly signing: KeyPair
  /** H(CK0). */
  readonly start: Uint8Array
  readonly chainKey: Secret
  /** Counter of the next message. */
  readonly next: number
  readonly previous: PreviousChain | null
}

/** Of a removal no reason is given by the caller: the group's state says it. */
export interface RenewalInput {
  readonly view: GroupView
  readonly now: Timestamp
  /** When a device of any member was last revoked or its account key changed, as the manifests told; 0: never. */
  readonly devicesRevokedAt: Timestamp
}
export type RenewalReason = 'none-yet' | 'member-removed' | 'device-revoked' | 'age' | 'messages'

/** Why a new chain must be made before the next message, or null (docs/protocol/08-groups.md, "Renewal"). Pure. */
export function renewalDue(own: OwnChain | null, { view, now, devicesRevokedAt }: RenewalInput): RenewalReason | null {
  if (!own) return 'none-yet'
  if (own.epoch < view.keysSince) return 'member-removed'
  if (devicesRevokedAt >= own.createdAt && devicesRevokedAt !== 0) return 'device-revoked'
  // A clock that went back makes a chain of the future: its age is unknown, so it is renewed.
  if (now - own.createdAt >= LIMITS.senderKeyDays * 86_400_000 || now < own.createdAt) return 'age'
  return own.next >= LIMITS.senderKeyMessages ? 'messages' : null
}

export interface StartChainInput {
  readonly view: GroupView
  readonly sender: Omit<ChainOwner, 'groupId'>
  /** The chain that is replaced. */
  readonly replaces: OwnChain | null
}

/** A fresh chain key and a fresh signing key. Throws `groups/not-a-member`, `groups/frozen`, `groups/stale-state`, `client/invalid-argument`. */
export function startChain(deps: CryptoDeps, { view, sender, replaces }: StartChainInput): OwnChain {
  requireSpeaker(view, sender)
  const { groupId, epoch } = view
  if (replaces && (replaces.groupId !== groupId || replaces.accountId !== sender.accountId || replaces.deviceId !== sender.deviceId))
    throw new SecureChatError('client/invalid-argument', { detail: 'chain of another group or device' })
  // Else a new chain would be the way to go on under a state that this device has left.
  if (replaces && epoch < replaces.sentEpoch) throw new SecureChatError('groups/stale-state', { detail: 'sending' })
  const owner = { groupId, accountId: sender.accountId, deviceId: sender.deviceId }
  const signing = generateSigningKeys(deps)
  const chainKey = new Secret(deps.random(32))
  const start = chainStart(deps.provider, chainKey)
  const chainId = chainIdOf(deps.provider, { ...owner, epoch, signingKey: signing.publicKey, start })
  const previous = replaces && { chainId: replaces.chainId, length: replaces.next }
  return { ...owner, chainId, epoch, sentEpoch: epoch, createdAt: deps.now, signing, start, chainKey, next: 0, previous }
}

/** Throws `groups/not-a-member`, `groups/frozen`. */
export function requireSpeaker(view: GroupView, { accountId }: Pick<ChainOwner, 'accountId'>): void {
  if (view.frozen) throw new SecureChatError('groups/frozen')
  if (!view.isMember(accountId)) throw new SecureChatError('groups/not-a-member', { detail: 'sender' })
}
