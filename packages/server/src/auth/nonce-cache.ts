import { type Clock, LIMITS, SecureChatError } from '@securechat/protocol'

/** Remembers the nonces of request proofs for as long as their times are accepted. */
export interface NonceCache {
  /**
   * Throws `auth/invalid-proof` for a nonce that was seen, `request/rate-limited` when this session has used up its share, `server/unavailable` when there is
   * no room to remember it at all.
   */
  use(sessionId: string, nonce: string): void
}

/** Two generations, each for one whole window of accepted times: a nonce is remembered at least that long, and dropping is O(1). */
export function createNonceCache({
  clock,
  maxNonces = 200_000,
  maxPerSession = 10_000,
}: {
  readonly clock: Clock
  readonly maxNonces?: number
  /** Else one device could keep everybody from calling. */
  readonly maxPerSession?: number
}): NonceCache {
  const windowMs = 2 * LIMITS.proofSkewSeconds * 1000
  let current = new Set<string>()
  let previous = new Set<string>()
  let used = new Map<string, number>()
  let startedAt = clock.now()
  return {
    use(sessionId, nonce) {
      const key = `${sessionId}.${nonce}`
      const elapsed = clock.now() - startedAt
      if (elapsed >= windowMs) {
        previous = elapsed >= 2 * windowMs ? new Set() : current
        current = new Set()
        used = new Map()
        startedAt = clock.now()
      }
      if (current.has(key) || previous.has(key)) throw new SecureChatError('auth/invalid-proof', { detail: 'nonce' })
      const count = used.get(sessionId) ?? 0
      if (count >= maxPerSession) throw new SecureChatError('request/rate-limited', { detail: 'nonces', retryAfterSeconds: LIMITS.proofSkewSeconds })
      if (current.size >= maxNonces) throw new SecureChatError('server/unavailable', { detail: 'nonces', retryAfterSeconds: LIMITS.proofSkewSeconds })
      used.set(sessionId, count + 1)
      current.add(key)
    },
  }
}
