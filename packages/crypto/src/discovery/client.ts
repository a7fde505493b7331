import { type AccountId, idFromBytes, LIMITS, type Random, SecureChatError } from '@securechat/protocol/core'
import { type BlindedInput, type Evaluation, oprfBlind, oprfFinalize } from '../primitives/oprf.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { Secret } from '../secret.js'
import { type Bucket, compareTags, ENTRY_BYTES } from './bucket.js'
import { type DiscoveryTag, discoveryInput, ENTRY_SALT_BYTES, maskAccount, TAG_BYTES, tagOfOutput } from './tag.js'

/** Numbers on their way to an evaluation; kept in memory only. */
export interface PendingDiscovery {
  readonly numbers: readonly string[]
  readonly blinds: readonly Secret[]
  /** What is sent: it says nothing about the numbers. */
  readonly blinded: readonly Uint8Array[]
}

/** Blinds 1 to 64 numbers (E.164). Throws `client/invalid-argument`, `protocol/too-large`. */
export function beginDiscovery({ random }: { readonly random: Random }, numbers: readonly string[]): PendingDiscovery {
  if (numbers.length === 0) throw new SecureChatError('client/invalid-argument', { detail: 'no numbers' })
  if (numbers.length > LIMITS.discoveryBatch) throw new SecureChatError('protocol/too-large', { detail: 'discovery batch' })
  const items = numbers.map((number) => oprfBlind(random, discoveryInput(number)))
  return { numbers, blinds: items.map(({ blind }) => new Secret(blind)), blinded: items.map(({ blinded }) => blinded) }
}

/**
 * Checks the proof against the pinned server key and unblinds. A server that uses a key of its own for one person could tell that person's lookups apart
 * and make them miss. Throws `crypto/invalid-signature` (proof), `crypto/invalid-key` (identity, no group element).
 */
export function finishDiscovery(
  provider: Pick<CryptoProvider, 'blake2b'>,
  { pending, serverKey, evaluation }: { readonly pending: PendingDiscovery; readonly serverKey: Uint8Array; readonly evaluation: Evaluation },
): ReadonlyMap<string, DiscoveryTag> {
  const items: BlindedInput[] = pending.numbers.map((number, i) => ({
    input: discoveryInput(number),
    blind: (pending.blinds[i] as Secret).expose(),
    blinded: pending.blinded[i] as Uint8Array,
  }))
  const outputs = oprfFinalize(serverKey, items, evaluation)
  return new Map(pending.numbers.map((number, i) => [number, tagOfOutput(provider, outputs[i] as Uint8Array, serverKey)]))
}

/** The account behind a number, null where the bucket has none. The server does not learn which entry was looked for. */
export function findInBucket(provider: Pick<CryptoProvider, 'blake2b'>, { entries }: Bucket, { tag, maskKey }: DiscoveryTag): AccountId | null {
  let low = 0
  let high = entries.length / ENTRY_BYTES
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = middle * ENTRY_BYTES
    const order = compareTags(entries, at, { other: tag, b: 0 })
    if (order === 0) {
      const [salt, account] = [entries.subarray(at + TAG_BYTES, at + TAG_BYTES + ENTRY_SALT_BYTES), entries.subarray(at + ENTRY_BYTES - 16, at + ENTRY_BYTES)]
      return idFromBytes<AccountId>(maskAccount(provider, { maskKey, salt, account }))
    }
    if (order < 0) low = middle + 1
    else high = middle
  }
  return null
}
