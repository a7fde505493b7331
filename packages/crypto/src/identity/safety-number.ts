import { type AccountId, idToBytes, LABELS, T, u16 } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'
import { typedKey } from './keys.js'

export interface AccountIdentity {
  readonly accountId: AccountId
  /** AIK. */
  readonly accountKey: Uint8Array
}

const VERSION = 1
/** Makes a search for a look-alike key 2^12.3 times as expensive; about 8 ms with libsodium, done when a screen is opened. */
const ITERATIONS = 5_200

function digits(provider: Pick<CryptoProvider, 'blake2b'>, { accountId, accountKey }: AccountIdentity): string {
  const identity = T(LABELS.safetyNumber, u16(VERSION), idToBytes(accountId), typedKey('ed25519', accountKey))
  let hash = provider.blake2b(64, identity)
  for (let i = 1; i < ITERATIONS; i++) hash = provider.blake2b(64, hash, accountKey)
  let out = ''
  for (let at = 0; at < 30; at += 5) {
    // 40 bits fit a double exactly.
    const chunk = hash[at]! * 2 ** 32 + hash[at + 1]! * 2 ** 24 + hash[at + 2]! * 2 ** 16 + hash[at + 3]! * 2 ** 8 + hash[at + 4]!
    out += String(chunk % 100_000).padStart(5, '0')
  }
  return out
}

/**
 * 60 decimal digits that two people compare: 30 for each account (id and account key), the smaller half first, so that both see
 * the same number. It changes when an account key changes, not when devices come and go.
 */
export function safetyNumber(provider: Pick<CryptoProvider, 'blake2b'>, a: AccountIdentity, b: AccountIdentity): string {
  return [digits(provider, a), digits(provider, b)].sort().join('')
}
