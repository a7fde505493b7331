import { type Clock, systemClock } from '@securechat/protocol'
import type { RateLimiter, RateRule } from '../ports/rate-limiter.js'

interface Bucket {
  tokens: number
  time: number
  readonly rule: RateRule
}

/**
 * Token buckets in memory: limits of one process. At most `maxKeys` are kept; beyond that full ones are forgotten (they
 * say nothing), and then the oldest.
 */
export function tokenBucketLimiter({ clock = systemClock, maxKeys = 100_000 }: { readonly clock?: Clock; readonly maxKeys?: number } = {}): RateLimiter {
  const buckets = new Map<string, Bucket>()

  const refillMutable = (bucket: Bucket, now: number): void => {
    // A clock that was set back must not drain anybody.
    bucket.tokens = Math.min(bucket.rule.burst, bucket.tokens + (Math.max(0, now - bucket.time) / 1000) * bucket.rule.perSecond)
    bucket.time = now
  }
  const makeRoom = (now: number): void => {
    let looked = 0
    for (const [key, bucket] of buckets) {
      refillMutable(bucket, now)
      if (bucket.tokens >= bucket.rule.burst || buckets.size > maxKeys) buckets.delete(key)
      if (++looked > 1_000) return
    }
  }

  return {
    take(key, rule, cost = 1) {
      const now = clock.now()
      let bucket = buckets.get(key)
      if (!bucket) {
        bucket = { tokens: rule.burst, time: now, rule }
        buckets.set(key, bucket)
        if (buckets.size > maxKeys) makeRoom(now)
      } else refillMutable(bucket, now)
      if (bucket.tokens >= cost) {
        bucket.tokens -= cost
        return 0
      }
      return rule.perSecond > 0 ? Math.max(1, Math.ceil((cost - bucket.tokens) / rule.perSecond)) : 3_600
    },
  }
}
