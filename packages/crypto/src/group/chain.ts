import { type AccountId, type ConversationId, type DeviceId, idToBytes, LABELS, T, transientT, u32, u64 } from '@securechat/protocol/core'
import { typedKey } from '../identity/keys.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { Secret } from '../secret.js'

type Hash = Pick<CryptoProvider, 'blake2b'>
const CHAIN = T(LABELS.senderKeyChain)

/** A device in a group: whose chain it is. */
export interface ChainOwner {
  readonly groupId: ConversationId
  readonly accountId: AccountId
  readonly deviceId: DeviceId
}

/** mk ‖ CK' = BLAKE2b-512(key = CK, T("SC1/sk/chain")). */
export function senderKeyStep(provider: Hash, chainKey: Secret): { messageKey: Secret; chainKey: Secret } {
  const out = provider.blake2b(64, CHAIN, chainKey.expose())
  return { messageKey: new Secret(out.slice(0, 32)), chainKey: new Secret(out.slice(32)) }
}

/** H(CK0) = BLAKE2b-256(T("SC1/sk/ck0", CK0)). */
export const chainStart = (provider: Hash, chainKey: Secret): Uint8Array => provider.blake2b(32, T(LABELS.senderKeyStart, chainKey.expose()))

export interface ChainIdentity extends ChainOwner {
  /** Of the group when the chain was made. */
  readonly epoch: number
  readonly signingKey: Uint8Array
  /** H(CK0). */
  readonly start: Uint8Array
}

/**
 * BLAKE2b-256(T("SC1/sk/id", group, u64 epoch, account, u32 device, typed signing key, H(CK0))): the name of a chain fixes whose it is, in which
 * group, and what it is made of.
 */
export function chainIdOf(provider: Hash, { groupId, epoch, accountId, deviceId, signingKey, start }: ChainIdentity): Uint8Array {
  return provider.blake2b(
    32,
    T(LABELS.senderKeyId, idToBytes(groupId), u64(epoch), idToBytes(accountId), u32(deviceId), typedKey('ed25519', signingKey), start),
  )
}

/** AD of a group message: T("SC1/sk/msg", account, u32 device, header as sent); group, epoch, state hash, chain and n are in the header. */
export const senderKeyAd = ({ accountId, deviceId }: Pick<ChainOwner, 'accountId' | 'deviceId'>, header: Uint8Array): Uint8Array =>
  transientT(LABELS.senderKeyMessage, idToBytes(accountId), u32(deviceId), header)

/** T("SC1/sk/sig", BLAKE2b-512(AD), BLAKE2b-512(key commitment ‖ ciphertext)): what the chain's Ed25519 key signs. */
export const signedBytes = (provider: Hash, ad: Uint8Array, sealed: Uint8Array): Uint8Array =>
  transientT(LABELS.senderKeySignature, provider.blake2b(64, ad), provider.blake2b(64, sealed))
