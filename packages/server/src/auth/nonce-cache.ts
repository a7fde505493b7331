import { type Clock, LIMITS, SecureChatError } from '@securechat/protocol'

/** Remembers the nonces of request proofs for as long as their times are accepted. */
export interface NonceCache {
  /** Throws `auth/invalid-proof` for a nonce that was seen, `server/unavailable` when there is no room to remember it. */
  use(key: string): void
}

/** Two generations, each for one whole window of accepted times: a nonce is remembered at least that long, and dropping is O(1). */
export function createNonceCache({ clock, maxNonces = 200_000 }: { readonly clock: Clock; readonly maxNonces?: number }): NonceCache {
  const windowMs = 2 * LIMITS.proofSkewSeconds * 1000
  let current = new Set<string>()
  let previous = new Set<string>()
  let startedAt = clock.now()
  return {
    use(key) {
      const elapsed = clock.now() - startedAt
      if (elapsed >= windowMs) {
        previous = elapsed >= 2 * windowMs ? new Set() : current
        current = new Set()
        startedAt = clock.now()
      }
      if (current.has(key) || previous.has(key)) throw new SecureChatError('auth/invalid-proof', { detail: 'nonce' })
      if (current.size >= maxNonces) throw new SecureChatError('server/unavailable', { detail: 'nonces', retryAfterSeconds: LIMITS.proofSkewSeconds })
      current.add(key)
    },
  }
}
