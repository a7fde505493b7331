import { LIMITS, type Timestamp } from '@securechat/protocol/core'
import type { RetryRequest } from './retry-request.js'

const DAY = 86_400_000
const HOUR = 3_600_000

/** What a device remembers of the requests of one other device; stored in the commit that answers. */
export interface RetryAnswers {
  /** Own clock, of the last answer; 0: none. */
  readonly answeredAt: Timestamp
  /** Time in the newest request that was answered. */
  readonly newestRequest: Timestamp
}

/** replayed: not newer than one that was answered. expired, ahead: by our clock. too-soon: the last answer is not an hour old. */
export type RetryVerdict = { readonly kind: 'answer'; readonly state: RetryAnswers } | { readonly kind: 'replayed' | 'expired' | 'ahead' | 'too-soon' }

/**
 * Whether a verified request is answered: once each, in the order of their times, and at most once an hour for a pair of devices. Nothing
 * is remembered of one that is not, so that refusing costs no storage.
 */
export function judgeRetryRequest(state: RetryAnswers | null, { time }: Pick<RetryRequest, 'time'>, now: Timestamp): RetryVerdict {
  if (time > now + LIMITS.retryAheadHours * HOUR) return { kind: 'ahead' }
  if (now - time > LIMITS.retryRequestDays * DAY) return { kind: 'expired' }
  if (state && time <= state.newestRequest) return { kind: 'replayed' }
  // A clock that was set back does not open the gate: what lies ahead counts as now.
  if (state && state.answeredAt > 0 && now - state.answeredAt < LIMITS.retryIntervalMs) return { kind: 'too-soon' }
  return { kind: 'answer', state: { answeredAt: now, newestRequest: time } }
}
