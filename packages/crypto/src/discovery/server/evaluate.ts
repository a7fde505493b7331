import { type AccountId, idToBytes, LABELS, LIMITS, type Random, SecureChatError, SUITE, T, u8 } from '@securechat/protocol/core'
import { type Evaluation, oprfEvaluate, oprfKeyPair, oprfOutput } from '../../primitives/oprf.js'
import type { CryptoProvider } from '../../primitives/provider.js'
import { Secret } from '../../secret.js'
import { discoveryInput, ENTRY_SALT_BYTES, maskAccount, tagOfOutput } from '../tag.js'

/** Clients pin the public half; another key changes every tag, so it is kept for the life of the service. */
export interface DiscoveryKeys {
  readonly publicKey: Uint8Array
  readonly secretKey: Secret
}

/** `seed`: 32 secret bytes of the server's configuration. Throws `crypto/invalid-key`. */
export function deriveDiscoveryKeys(seed: Uint8Array): DiscoveryKeys {
  const { publicKey, secretKey } = oprfKeyPair(seed, T(LABELS.discoveryKey, u8(SUITE)))
  return { publicKey, secretKey: new Secret(secretKey) }
}

/**
 * Evaluates 1 to 64 blinded numbers with one proof. Charge the caller's budget for each element BEFORE the call. Throws `request/invalid`,
 * `protocol/too-large`, and `crypto/invalid-key` for the identity or what is no group element; then nothing was evaluated.
 */
export function evaluateBlinded({ random }: { readonly random: Random }, keys: DiscoveryKeys, blinded: readonly Uint8Array[]): Evaluation {
  if (blinded.length === 0) throw new SecureChatError('request/invalid', { detail: 'no elements' })
  if (blinded.length > LIMITS.discoveryBatch) throw new SecureChatError('protocol/too-large', { detail: 'discovery batch' })
  return oprfEvaluate(random, { publicKey: keys.publicKey, secretKey: keys.secretKey.expose() }, blinded)
}

/** A registered user as the bucket lists it. */
export interface DiscoveryEntry {
  readonly tag: Uint8Array
  /** Random, new for every entry that is made: a number that gets another account is masked anew. */
  readonly salt: Uint8Array
  /** Readable for who has evaluated the number. */
  readonly maskedAccount: Uint8Array
}

/** Made when a number is registered, while the server knows it. Throws `client/invalid-argument` unless the number is E.164. */
export function createEntry(
  { provider, random }: { readonly provider: Pick<CryptoProvider, 'blake2b'>; readonly random: Random },
  keys: DiscoveryKeys,
  { number, accountId }: { readonly number: string; readonly accountId: AccountId },
): DiscoveryEntry {
  const output = oprfOutput(keys.secretKey.expose(), discoveryInput(number))
  const { tag, maskKey } = tagOfOutput(provider, output, keys.publicKey)
  const salt = random(ENTRY_SALT_BYTES)
  return { tag, salt, maskedAccount: maskAccount(provider, { maskKey, salt, account: idToBytes(accountId) }) }
}
