import { LIMITS, SecureChatError, type Timestamp } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'
import type { SkippedKey } from '../ratchet/state.js'
import type { Secret } from '../secret.js'
import { type ChainOwner, senderKeyStep } from './chain.js'
import type { PreviousChain } from './own-chain.js'
import type { GroupView } from './view.js'

/** One chain of another device. */
export interface PeerChain {
  readonly chainId: Uint8Array
  /** Of the group when the chain was made, and of the newest message read on it. */
  readonly epoch: number
  readonly newestEpoch: number
  readonly signingKey: Uint8Array
  /** Null once the chain was replaced: only the skipped keys are left. */
  readonly chainKey: Secret | null
  /** Counter of the next message. */
  readonly next: number
  /** Keys of messages that have not come, ascending by counter. */
  readonly skipped: readonly SkippedKey[]
}

/** Everything known of one device's chains in one group. Immutable; `encodePeerChains` gives its bytes. */
export interface PeerChains extends ChainOwner {
  /** Newest first, at most `LIMITS.senderKeyChains`. */
  readonly chains: readonly PeerChain[]
  /** Chains that another one has replaced and of which nothing has come, neither keys nor messages; newest first, at most `LIMITS.senderKeyChains`. */
  readonly lost: readonly PreviousChain[]
}

/** Messages of a chain that were sent before one that has come, and have not come: from `from` up to and without `to`. */
export interface Gap {
  readonly chainId: Uint8Array
  readonly from: number
  readonly to: number
}

const LIFETIME = LIMITS.skippedKeyDays * 86_400_000

/** Keys older than 14 days are erased: a message that late is lost. */
export function withoutExpired(peer: PeerChains, now: Timestamp): PeerChains {
  const old = ({ storedAt }: SkippedKey): boolean => now - storedAt > LIFETIME
  if (!peer.chains.some(({ skipped }) => skipped.some(old))) return peer
  return { ...peer, chains: peer.chains.map((chain) => ({ ...chain, skipped: chain.skipped.filter((key) => !old(key)) })) }
}

/** Walks the chain so that `to` is its next counter, and keeps the keys in between. */
export function walkTo(
  provider: Pick<CryptoProvider, 'blake2b'>,
  chain: PeerChain & { readonly chainKey: Secret },
  { to, now }: { to: number; now: Timestamp },
): PeerChain & { readonly chainKey: Secret } {
  if (to > LIMITS.senderKeyMessages) throw new SecureChatError('crypto/limit-exceeded', { detail: 'sender key counter' })
  if (to <= chain.next) return chain
  const skipped = [...chain.skipped]
  let { chainKey } = chain
  for (let counter = chain.next; counter < to; counter++) {
    const step = senderKeyStep(provider, chainKey)
    skipped.push({ counter, messageKey: step.messageKey, storedAt: now })
    chainKey = step.chainKey
  }
  return { ...chain, chainKey, next: to, skipped }
}

/** What is missing, in runs: the gap report. A message that never comes stays in it until its key expires. */
export function gapsOf({ chains, lost }: Pick<PeerChains, 'chains' | 'lost'>): Gap[] {
  const gaps: Gap[] = lost.map(({ chainId, length }) => ({ chainId, from: 0, to: length }))
  for (const { chainId, skipped } of chains) {
    for (let i = 0; i < skipped.length; ) {
      const from = skipped[i]!.counter
      let to = from + 1
      for (i++; skipped[i]?.counter === to; i++) to++
      gaps.push({ chainId, from, to })
    }
  }
  return gaps
}

/**
 * True where the record must be deleted, in the commit that applies an operation or believes a manifest: its account is no member any more, or `isListed` (the
 * account's manifest) does not know its device any more. A stolen device keeps the keys of its own chain, so only deletion ends it.
 */
export const mustForget = (peer: PeerChains, view: GroupView, isListed: (device: Pick<ChainOwner, 'accountId' | 'deviceId'>) => boolean): boolean =>
  peer.groupId === view.groupId && (!view.isMember(peer.accountId) || !isListed(peer))
