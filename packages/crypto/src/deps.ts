import type { Clock, Random, Timestamp } from '@securechat/protocol/core'
import type { CryptoProvider } from './primitives/provider.js'
import { pooledRandom } from './primitives/random.js'

/** What the pure functions are given: primitives, randomness and the time of the call (ms, the local clock). */
export interface CryptoDeps {
  readonly provider: CryptoProvider
  readonly random: Random
  readonly now: Timestamp
}

export interface CryptoDepsInput {
  readonly provider: CryptoProvider
  /** `systemRandom` of `@securechat/protocol`, or the platform's own cryptographic source. Asked in blocks. */
  readonly random: Random
  /** `systemClock` of `@securechat/protocol`; the LOCAL clock, not a server's: it decides what has expired. */
  readonly clock: Pick<Clock, 'now'>
}

/**
 * One object for a whole program: `now` reads the clock whenever it is asked, `random` is pooled. Not for a process that forks its memory. A test gives
 * its own source and clock and gets the same bytes every time.
 */
export function createCryptoDeps({ provider, random, clock }: CryptoDepsInput): CryptoDeps {
  return {
    provider,
    random: pooledRandom(random),
    get now() {
      return clock.now()
    },
  }
}
