import type { Random, Timestamp } from '@securechat/protocol'
import type { CryptoProvider } from './primitives/provider.js'

/** What the pure functions are given: primitives, randomness and the time of the call (ms, the local clock). */
export interface CryptoDeps {
  readonly provider: CryptoProvider
  readonly random: Random
  readonly now: Timestamp
}
