import { equalPublicBytes, LIMITS, parseSenderKeyMessage, SecureChatError, type SenderKeyMessage } from '@securechat/protocol/core'
import { openCommitting } from '../aead/committing.js'
import type { CryptoDeps } from '../deps.js'
import type { CryptoProvider } from '../primitives/provider.js'
import type { Secret } from '../secret.js'
import { type ChainOwner, senderKeyAd, senderKeyStep, signedBytes } from './chain.js'
import { type Gap, gapsOf, type PeerChain, type PeerChains, walkTo, withoutExpired } from './peer-chain.js'
import { decodeGroupPlaintext, type GroupPlaintext } from './plaintext.js'
import { type ForkSeen, type GroupView, standing } from './view.js'

export interface GroupDecryptInput {
  /** Chains of the device that the server names as the sender. */
  readonly peer: PeerChains
  readonly view: GroupView
  readonly message: Uint8Array
}

export type GroupDecryptResult<Peer = PeerChains> =
  | {
      readonly kind: 'message'
      /** Commit it together with the plaintext, THEN acknowledge. */
      readonly peer: Peer
      readonly plaintext: GroupPlaintext
      /** Place in the chain: the order in which the sender wrote. */
      readonly chainId: Uint8Array
      readonly counter: number
      /** Of the state that the sender spoke in. */
      readonly epoch: number
      /** All that was sent by this device and has not come, this message's own gap included. */
      readonly missing: readonly Gap[]
      /** The franking commitment of the header (a view), to be checked against `common`; null where there was none. */
      readonly franking: Uint8Array | null
    }
  /** The signature is genuine, but the operations up to this epoch have not been applied here: park it. */
  | { readonly kind: 'future'; readonly epoch: number }
  /** The signature is genuine and names another state of an applied epoch: freeze with `freezeGroup`. The message is not opened. */
  | { readonly kind: 'fork'; readonly seen: ForkSeen }

function parse(bytes: Uint8Array): SenderKeyMessage {
  const parsed = parseSenderKeyMessage(bytes)
  if (parsed.kind === 'unknown') throw new SecureChatError('protocol/unsupported-version', { detail: `sender key message ${parsed.reason}` })
  return parsed
}

/** Everything about who says it comes before any key is derived: an insider with the chain key cannot even move the chain. */
function authenticate(provider: CryptoProvider, owner: ChainOwner, { chain, parsed }: { chain: PeerChain; parsed: SenderKeyMessage }): Uint8Array {
  const ad = senderKeyAd(owner, parsed.header)
  if (!provider.ed25519Verify(parsed.signature, signedBytes(provider, ad, parsed.sealed), chain.signingKey))
    throw new SecureChatError('crypto/invalid-signature', { detail: 'group message' })
  return ad
}

interface Opened {
  readonly chain: PeerChain
  readonly messageKey: Secret
}

function keyFor(deps: Pick<CryptoDeps, 'provider' | 'now'>, chain: PeerChain, { counter, epoch }: SenderKeyMessage): Opened {
  if (counter >= LIMITS.senderKeyMessages) throw new SecureChatError('crypto/limit-exceeded', { detail: 'sender key counter' })
  if (counter < chain.next) {
    const held = chain.skipped.find((key) => key.counter === counter)
    if (!held) throw new SecureChatError('crypto/duplicate-message')
    return { chain: { ...chain, skipped: chain.skipped.filter((key) => key !== held) }, messageKey: held.messageKey }
  }
  if (!chain.chainKey) throw new SecureChatError('crypto/authentication-failed', { detail: 'closed chain' })
  // Later in the chain but of an earlier state: the sender has gone back to a state that it had left.
  if (epoch < chain.newestEpoch) throw new SecureChatError('groups/stale-state', { detail: 'receiving' })
  const walked = walkTo(deps.provider, { ...chain, chainKey: chain.chainKey }, { to: counter, now: deps.now })
  const { messageKey, chainKey } = senderKeyStep(deps.provider, walked.chainKey)
  return { chain: { ...walked, chainKey, next: counter + 1, newestEpoch: epoch }, messageKey }
}

/**
 * One received group message. Pure: on a throw, and for `future` and `fork`, nothing has changed. The codes that a caller acts on: `crypto/no-session` (chain
 * unknown: ask the device for it pairwise), `crypto/duplicate-message` (acknowledge and drop), `groups/not-a-member`, `crypto/invalid-signature`,
 * `groups/renewal-due` (the sender uses a chain that a removed member knows), `groups/stale-state`, `crypto/limit-exceeded`,
 * `crypto/authentication-failed`, `protocol/malformed`, `protocol/too-large`, `protocol/unsupported-version`.
 */
export function decryptFromGroup(deps: Pick<CryptoDeps, 'provider' | 'now'>, { peer: before, view, message }: GroupDecryptInput): GroupDecryptResult {
  const { provider, now } = deps
  const parsed = parse(message)
  const { groupId, epoch, stateHash } = parsed
  if (groupId !== view.groupId || groupId !== before.groupId) throw new SecureChatError('crypto/authentication-failed', { detail: 'group' })
  if (!view.isMember(before.accountId)) throw new SecureChatError('groups/not-a-member', { detail: 'sender' })
  const peer = withoutExpired(before, now)
  const at = peer.chains.findIndex(({ chainId }) => equalPublicBytes(chainId, parsed.chainId))
  const chain = peer.chains[at]
  if (!chain) throw new SecureChatError('crypto/no-session', { detail: 'sender key' })
  const ad = authenticate(provider, peer, { chain, parsed })
  const judged = standing(view, parsed)
  if (judged === 'future') return { kind: 'future', epoch }
  if (judged === 'fork') return { kind: 'fork', seen: { epoch, stateHash: stateHash.slice(), accountId: peer.accountId } }
  if (epoch < chain.epoch) throw new SecureChatError('groups/stale-state', { detail: 'before its chain' })
  if (chain.epoch < view.keysSince && epoch >= view.keysSince) throw new SecureChatError('groups/renewal-due', { detail: 'sender' })
  const { chain: moved, messageKey } = keyFor({ provider, now }, chain, parsed)
  const plaintext = decodeGroupPlaintext(openCommitting(provider, messageKey, { ad, keyCommitment: parsed.keyCommitment, ciphertext: parsed.ciphertext }))
  const after = { ...peer, chains: peer.chains.map((other, index) => (index === at ? moved : other)) }
  return {
    kind: 'message',
    peer: after,
    plaintext,
    chainId: moved.chainId,
    counter: parsed.counter,
    epoch,
    missing: gapsOf(after),
    franking: parsed.commitmentOrSalt.length === 32 ? parsed.commitmentOrSalt : null,
  }
}
