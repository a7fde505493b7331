import { LIMITS, type LimitClass } from '@securechat/protocol'
import type { RateRule } from './ports/rate-limiter.js'

/** How often whom. Classes of operations are charged to the account, before a login to the remote address (IPv6: its /64). */
export type RateLimits = Readonly<Record<LimitClass, RateRule>> & {
  /** Sockets and logins on them, per address. */
  readonly connect: RateRule
  /** Codes per number without its last four digits, and per first three digits: stops pumping of whole ranges. */
  readonly codePrefix: RateRule
  readonly codeRegion: RateRule
  /** Bundles with a one-time prekey, per caller and asked account. Beyond it the last-resort key serves. */
  readonly preKeyClaim: RateRule
}

export interface CodePolicy {
  /** Seconds between the first and second code of a number; doubles with every code of the same hour. */
  readonly spacingSeconds: number
  readonly perHour: number
  readonly perDay: number
}

export interface ServerConfig {
  /** `iss` and `aud` of access tokens: tokens of one server are nothing to another. */
  readonly issuer: string
  readonly limits: RateLimits
  readonly codes: CodePolicy
  /** Origins that browsers may call the HTTP operations from; none by default (the same origin needs none). */
  readonly corsOrigins: readonly string[]
  /** Days that an undelivered row is kept; at most `LIMITS.mailboxDays`. */
  readonly mailboxDays: number
  readonly maxConnections: number
  /** Shown by /version: of the program that embeds the kit. */
  readonly version: string
  /** Seconds between two rounds of deleting what has expired. */
  readonly sweepSeconds: number
  /** Milliseconds that `close` waits for calls in progress. */
  readonly drainMilliseconds: number
}

export const DEFAULT_LIMITS: RateLimits = {
  cheap: { burst: 1_000, perSecond: 100 },
  read: { burst: 2_000, perSecond: 50 },
  write: { burst: 200, perSecond: 5 },
  send: { burst: 20_000, perSecond: 1_000 },
  lookup: { burst: 100, perSecond: 0.05 },
  login: { burst: 1_000, perSecond: 10 },
  code: { burst: 300, perSecond: 0.5 },
  connect: { burst: 20_000, perSecond: 500 },
  codePrefix: { burst: 200, perSecond: 0.1 },
  codeRegion: { burst: 2_000, perSecond: 2 },
  preKeyClaim: { burst: 20, perSecond: 0.01 },
}

export const DEFAULT_CONFIG: ServerConfig = {
  issuer: 'securechat',
  limits: DEFAULT_LIMITS,
  codes: { spacingSeconds: 30, perHour: 5, perDay: 10 },
  corsOrigins: [],
  mailboxDays: LIMITS.mailboxDays,
  maxConnections: 50_000,
  version: 'unknown',
  sweepSeconds: 60,
  drainMilliseconds: 5_000,
}

export type ServerConfigInput = { readonly [Key in keyof Omit<ServerConfig, 'limits' | 'codes'>]?: ServerConfig[Key] } & {
  readonly limits?: Partial<RateLimits>
  readonly codes?: Partial<CodePolicy>
}

export const completeConfig = (input: ServerConfigInput = {}): ServerConfig => ({
  ...DEFAULT_CONFIG,
  ...input,
  limits: { ...DEFAULT_LIMITS, ...input.limits },
  codes: { ...DEFAULT_CONFIG.codes, ...input.codes },
})
