import {
  type AccountId,
  type Clock,
  equalSecretBytes,
  LIMITS,
  type OperationInput,
  type OperationOutput,
  type Random,
  SecureChatError,
  type Timestamp,
  toBase64Url,
} from '@securechat/protocol'
import { lockedSince } from '../account/registration-lock.js'
import type { CodePolicy, RateLimits } from '../config.js'
import type { Metrics } from '../ports/metrics.js'
import type { OtpSender } from '../ports/otp.js'
import type { RateLimiter } from '../ports/rate-limiter.js'
import type { AccountStore, LoginStore } from '../ports/store.js'
import type { Hashes } from './secrets.js'

const HOUR = 3_600_000
const DAY = 86_400_000
/** Milliseconds that a registration token lives: time for a person to read about replacing keys. */
const REGISTRATION_MS = 30 * 60_000
/** Milliseconds in which a repeated confirmation (its answer was lost) is answered again. */
const CONFIRM_GRACE_MS = 60_000

export interface CodeDeps {
  readonly store: LoginStore & Pick<AccountStore, 'lock'>
  readonly otp: OtpSender
  readonly hashes: Hashes
  readonly limiter: RateLimiter
  readonly metrics?: Metrics
  readonly limits: RateLimits
  readonly policy: CodePolicy
  readonly clock: Clock
  readonly random: Random
}

/** When the next code may be sent after those at `sent` (oldest first, last 24 hours). */
export function nextSendAt(policy: CodePolicy, sent: readonly Timestamp[], now: Timestamp): Timestamp {
  const last = sent.at(-1)
  if (last === undefined) return now
  const lastHour = sent.filter((time) => time > now - HOUR)
  let at = lastHour.length > 0 ? last + policy.spacingSeconds * 1000 * 2 ** (lastHour.length - 1) : now
  if (lastHour.length >= policy.perHour) at = Math.max(at, lastHour[lastHour.length - policy.perHour]! + HOUR)
  if (sent.length >= policy.perDay) at = Math.max(at, sent[sent.length - policy.perDay]! + DAY)
  return Math.max(at, now)
}

/** Uniform: values that would favour small codes are thrown away. */
function drawCode(random: Random): string {
  const range = 10 ** LIMITS.codeDigits
  const limit = Math.floor(0x100000000 / range) * range
  for (;;) {
    const bytes = random(4)
    const value = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
    if (value < limit) return String(value % range).padStart(LIMITS.codeDigits, '0')
  }
}

const waitSeconds = (milliseconds: number): number => Math.max(1, Math.ceil(milliseconds / 1000))

export interface CodeService {
  request(input: OperationInput<'auth.requestCode'>): Promise<OperationOutput<'auth.requestCode'>>
  confirm(input: OperationInput<'auth.confirmCode'>): Promise<OperationOutput<'auth.confirmCode'>>
}

/** Login by one-time code. What it answers and does is the same for known and unknown numbers. */
export function createCodeService({ store, otp, hashes, limiter, limits, policy, clock, random, metrics }: CodeDeps): CodeService {
  const charge = async (key: string, rule: RateLimits['code']): Promise<void> => {
    const wait = await limiter.take(key, rule)
    if (wait > 0) throw new SecureChatError('request/rate-limited', { retryAfterSeconds: wait })
  }
  return {
    async request({ phone }) {
      const now = clock.now()
      const loginId = toBase64Url(random(16))
      const code = drawCode(random)
      const expiresAt = now + LIMITS.codeMinutes * 60_000
      let sent: readonly Timestamp[] = []
      const opened = await store.openLogin({ loginId, phoneHash: hashes.phone(phone), codeMac: hashes.code(loginId, code), now, expiresAt }, (times) => {
        sent = times
        const at = nextSendAt(policy, times, now)
        return at > now ? at : null
      })
      if (!opened.opened) throw new SecureChatError('request/rate-limited', { retryAfterSeconds: waitSeconds(opened.retryAt - now) })
      // Only for what would be sent: else one number, asked for again and again in vain, would use up the budget of all its neighbours.
      await charge(`prefix:${phone.slice(0, -4)}`, limits.codePrefix)
      await charge(`region:${phone.slice(0, 4)}`, limits.codeRegion)
      await otp.send({ phone, code }).catch((cause: unknown) => {
        metrics?.code('failed')
        throw new SecureChatError('server/unavailable', { detail: 'sender of one-time codes', cause })
      })
      metrics?.code('sent')
      return { loginId, codeDigits: LIMITS.codeDigits, expiresAt, resendAt: nextSendAt(policy, [...sent, now], now) }
    },

    async confirm({ loginId, code }) {
      const now = clock.now()
      const attempt = await store.tryCode({ loginId, now, maxTries: LIMITS.codeTries })
      if (attempt.state === 'exhausted') throw new SecureChatError('auth/too-many-tries', { retryAfterSeconds: policy.spacingSeconds })
      if (attempt.state !== 'counted') throw new SecureChatError('auth/code-expired')
      if (!equalSecretBytes(hashes.code(loginId, code), attempt.codeMac)) throw new SecureChatError('auth/code-wrong')
      const registrationToken = hashes.registrationToken(loginId)
      const expiresAt = now + REGISTRATION_MS
      const account = await store.redeemLogin({
        loginId,
        now,
        graceUntil: now + CONFIRM_GRACE_MS,
        newAccountId: toBase64Url(random(16)) as AccountId,
        registrationHash: hashes.token(registrationToken),
        registrationExpiresAt: expiresAt,
      })
      if (!account) throw new SecureChatError('auth/code-expired')
      const { accountId, exists, manifestVersion, manifestHash, manifest, nextDeviceId } = account
      const lock = exists ? await store.lock(accountId) : undefined
      return {
        registrationToken,
        expiresAt,
        account: {
          accountId,
          exists,
          manifestVersion,
          nextDeviceId: nextDeviceId as OperationOutput<'auth.confirmCode'>['account']['nextDeviceId'],
          ...(manifestHash && { manifestHash }),
          ...(manifest && { manifest }),
        },
        ...(lock && lock.activeAt > lockedSince(now) && { lock: { format: 1 as const, salt: lock.salt } }),
      }
    },
  }
}
