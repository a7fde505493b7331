import type { CryptoDeps } from '../deps.js'
import { decodeOwnChain, decodePeerChains, encodeOwnChain, encodePeerChains } from './codec.js'
import { decryptFromGroup, type GroupDecryptResult } from './decrypt.js'
import { type AcceptDistributionInput, acceptDistribution, encodeDistribution } from './distribution.js'
import { encryptToGroup, type GroupEncryptInput } from './encrypt.js'
import { type OwnChain, type RenewalInput, type RenewalReason, renewalDue, type StartChainInput, startChain } from './own-chain.js'
import type { PeerChains } from './peer-chain.js'
import type { GroupView } from './view.js'

/**
 * Encryption to a group, whatever the scheme: `Own` is what this device sends with, `Peer` what it reads one other device with; both are
 * immutable records of the caller's store. All functions are pure: `(state, input, deps) → state and output`, a throw means nothing changed.
 */
export interface GroupCrypto<Own, Peer> {
  readonly scheme: string
  /** Keys to send with from now on, in place of `replaces`. */
  start(deps: CryptoDeps, input: Omit<StartChainInput, 'replaces'> & { readonly replaces: Own | null }): Own
  /** Why `start` and a new distribution must come before the next message, or null. */
  renewalDue(own: Own | null, input: RenewalInput): RenewalReason | null
  /** Secret bytes for each device of the group, sent inside a pairwise message and nowhere else. */
  distribution(own: Own): Uint8Array
  /** Takes a distribution together with the authenticated identity of the session that it came over. */
  accept(deps: Pick<CryptoDeps, 'provider' | 'now'>, input: Omit<AcceptDistributionInput, 'known'> & { readonly known: Peer | null }): Peer
  encrypt(deps: CryptoDeps, input: Omit<GroupEncryptInput, 'own'> & { readonly own: Own }): { readonly own: Own; readonly message: Uint8Array }
  decrypt(
    deps: Pick<CryptoDeps, 'provider' | 'now'>,
    input: { readonly peer: Peer; readonly view: GroupView; readonly message: Uint8Array },
  ): GroupDecryptResult<Peer>
  encodeOwn(own: Own): Uint8Array
  decodeOwn(bytes: Uint8Array): Own
  encodePeer(peer: Peer): Uint8Array
  decodePeer(bytes: Uint8Array): Peer
}

/** Hardened sender keys (docs/protocol/08-groups.md). */
export const senderKeys: GroupCrypto<OwnChain, PeerChains> = {
  scheme: 'sender-keys-1',
  start: startChain,
  renewalDue,
  distribution: encodeDistribution,
  accept: acceptDistribution,
  encrypt: encryptToGroup,
  decrypt: decryptFromGroup,
  encodeOwn: encodeOwnChain,
  decodeOwn: decodeOwnChain,
  encodePeer: encodePeerChains,
  decodePeer: decodePeerChains,
}
