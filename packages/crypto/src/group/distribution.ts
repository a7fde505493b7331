import {
  type ConversationId,
  equalPublicBytes,
  idFromBytes,
  idToBytes,
  LABELS,
  LIMITS,
  parseT,
  readU32,
  readU64,
  SecureChatError,
  T,
  u8,
  u32,
  u64,
} from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { readTypedKey, typedKey } from '../identity/keys.js'
import { Secret } from '../secret.js'
import { PairwiseSender } from '../session/sender.js'
import { chainIdOf, chainStart } from './chain.js'
import type { OwnChain, PreviousChain } from './own-chain.js'
import { type PeerChain, type PeerChains, walkTo, withoutExpired } from './peer-chain.js'
import type { GroupView } from './view.js'

const VERSION = 1
const NOTHING = new Uint8Array(0)
const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'sender key distribution' })
}

/**
 * T("SC1/sk/dist", u8 version, group, u64 epoch, chain id, u32 n, CK, H(CK0), typed signing key, previous chain id or empty, u32 its length): secret
 * bytes, the same for all recipients, only ever sent inside a pairwise message to a device of a current member. Opens messages from n on.
 */
export function encodeDistribution({ groupId, epoch, chainId, next, chainKey, start, signing, previous }: OwnChain): Uint8Array {
  const before = [previous?.chainId ?? NOTHING, u32(previous?.length ?? 0)] as const
  const key = typedKey('ed25519', signing.publicKey)
  return T(LABELS.senderKeyDistribution, u8(VERSION), idToBytes(groupId), u64(epoch), chainId, u32(next), chainKey.expose(), start, key, ...before)
}

interface Distribution {
  readonly groupId: ConversationId
  readonly start: Uint8Array
  readonly chain: PeerChain & { readonly chainKey: Secret }
  readonly previous: PreviousChain | null
}

function decodeDistribution(bytes: Uint8Array): Distribution {
  const fields = parseT(bytes, LABELS.senderKeyDistribution)
  const [version, group, epoch, chainId, next, chainKey, start, key, previousId, previousLength, ...more] = fields
  if (version?.length !== 1) return malformed()
  if (version[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'sender key distribution' })
  if (!group || epoch?.length !== 8 || chainId?.length !== 32 || next?.length !== 4 || chainKey?.length !== 32 || start?.length !== 32) return malformed()
  const signingKey = key && readTypedKey('ed25519', key)
  if (!signingKey || !previousId || previousLength?.length !== 4 || more.length > 0) return malformed()
  const [counter, length, made] = [readU32(next, 0), readU32(previousLength, 0), readU64(epoch, 0)]
  if (counter > LIMITS.senderKeyMessages || length > LIMITS.senderKeyMessages) return malformed()
  if (previousId.length !== 32 && (previousId.length !== 0 || length !== 0)) return malformed()
  return {
    groupId: idFromBytes<ConversationId>(group),
    start,
    chain: {
      chainId: chainId.slice(),
      epoch: made,
      newestEpoch: made,
      signingKey,
      chainKey: new Secret(chainKey.slice()),
      next: counter,
      skipped: [],
    },
    previous: previousId.length === 32 ? { chainId: previousId.slice(), length } : null,
  }
}

/** The chain that was replaced, where it was kept back whole. Who knew none of the device's chains was not there when it was made. */
function unseen({ chains, lost }: PeerChains, previous: PreviousChain | null): PreviousChain[] {
  if (!previous || previous.length === 0 || chains.length === 0) return []
  const known = [...chains, ...lost].some(({ chainId }) => equalPublicBytes(chainId, previous.chainId))
  return known ? [] : [previous]
}

export interface AcceptDistributionInput {
  /** What `decryptMessage` said of the very message that carried the distribution. */
  readonly sender: PairwiseSender
  readonly distribution: Uint8Array
  readonly view: GroupView
  /** What is known of that device's chains in this group. */
  readonly known: PeerChains | null
}

/**
 * The chain is taken as that of the device whose pairwise session brought it, whatever the bytes say: its id must come out of that very account and
 * device. A chain that is known already is left as it is, so that nothing can be wound back. The chain before is completed to its announced
 * length and its chain key erased; where it never came, it is kept as lost. Throws `crypto/authentication-failed`, `groups/not-a-member`, `groups/stale-state` (made before the last
 * removal, or for a state that has not come: apply the operations first), `protocol/malformed`, `protocol/unsupported-version`, `client/invalid-argument`.
 */
export function acceptDistribution(deps: Pick<CryptoDeps, 'provider' | 'now'>, input: AcceptDistributionInput): PeerChains {
  const { provider, now } = deps
  const { sender, view, known } = input
  if (!PairwiseSender.is(sender)) throw new SecureChatError('client/invalid-argument', { detail: 'pairwise sender' })
  const { accountId, deviceId } = sender
  const { groupId, start, chain, previous } = decodeDistribution(input.distribution)
  if (known && (known.groupId !== groupId || known.accountId !== accountId || known.deviceId !== deviceId))
    throw new SecureChatError('client/invalid-argument', { detail: 'chains of another device' })
  const owner = { groupId, accountId, deviceId }
  const expected = chainIdOf(provider, { ...owner, epoch: chain.epoch, signingKey: chain.signingKey, start })
  const genuine = groupId === view.groupId && equalPublicBytes(expected, chain.chainId)
  if (!genuine || (chain.next === 0 && !provider.equal(chainStart(provider, chain.chainKey), start)))
    throw new SecureChatError('crypto/authentication-failed', { detail: 'sender key distribution' })
  if (!view.isMember(accountId)) throw new SecureChatError('groups/not-a-member', { detail: 'sender key' })
  if (chain.epoch > view.epoch || chain.epoch < view.keysSince) throw new SecureChatError('groups/stale-state', { detail: 'sender key' })
  const before = withoutExpired(known ?? { ...owner, chains: [], lost: [] }, now)
  if (before.chains.some(({ chainId }) => equalPublicBytes(chainId, chain.chainId))) return before
  const close = (old: PeerChain): PeerChain => {
    if (!previous || !old.chainKey || !equalPublicBytes(old.chainId, previous.chainId)) return old
    return { ...walkTo(provider, { ...old, chainKey: old.chainKey }, { to: previous.length, now }), chainKey: null }
  }
  const lost = [...unseen(before, previous), ...before.lost].filter(({ chainId }) => !equalPublicBytes(chainId, chain.chainId))
  return {
    ...before,
    chains: [chain, ...before.chains.map(close)].slice(0, LIMITS.senderKeyChains),
    lost: lost.slice(0, LIMITS.senderKeyChains),
  }
}
