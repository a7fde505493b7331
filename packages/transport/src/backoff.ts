/** Milliseconds. Half a second keeps a restarted server from being hammered, a minute keeps a long outage from being forgotten. */
export const BACKOFF = {
  baseMs: 500,
  capMs: 60_000,
  /** A connection that lived as long as this was a success: the count of failures starts again. */
  stableMs: 30_000,
  /** While the server speaks no common version: rarely, for the day it is rolled back or was only misread. */
  outdatedMs: 600_000,
  /** A server may ask for a longer pause (`retryAfterSeconds`), but not for ever. */
  longestMs: 3_600_000,
} as const

/**
 * Full jitter (Brooker, "Exponential Backoff And Jitter", 2015): uniform in [0, min(cap, base · 2^failures)), so that clients that
 * lost one server together do not come back together. `jitter` in [0, 1); `failures` before this one.
 */
export function backoffDelay(failures: number, jitter: number): number {
  // The exponent is bounded before it is used, since 2^1100 is Infinity.
  return Math.floor(jitter * Math.min(BACKOFF.capMs, BACKOFF.baseMs * 2 ** Math.min(failures, 20)))
}
