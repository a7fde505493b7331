/** A bucket of `burst` tokens that refills with `perSecond`. */
export interface RateRule {
  readonly burst: number
  readonly perSecond: number
}

export interface RateLimiter {
  /** Takes `cost` tokens from the bucket `key` and answers 0, or takes none and answers the seconds until they would be there. */
  take(key: string, rule: RateRule, cost?: number): number | Promise<number>
}
