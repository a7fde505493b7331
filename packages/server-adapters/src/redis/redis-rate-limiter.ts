import { createHash } from 'node:crypto'
import { type Clock, type Logger, silentLogger, systemClock } from '@securechat/protocol'
import { type RateLimiter, type RateRule, tokenBucketLimiter } from '@securechat/server'
import { askRedis, isNoScript, type RedisClient } from './client.js'

/**
 * One bucket: tokens and the time of their counting, by the clock of Redis. Takes `want` tokens or as many as there are, if there are `cost`; answers what was taken and the
 * seconds to wait. The key goes when the bucket would be full again, which says the same as none.
 */
const SCRIPT = `
local burst, rate, cost, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local stored = redis.call('HMGET', KEYS[1], 'tokens', 'time')
local tokens = tonumber(stored[1]) or burst
tokens = math.min(burst, tokens + math.max(0, now - (tonumber(stored[2]) or now)) / 1000 * rate)
local taken, wait = 0, 0
if tokens >= cost then
  taken = math.max(cost, math.min(want, math.floor(tokens)))
  tokens = tokens - taken
elseif rate > 0 then
  wait = math.max(1, math.ceil((cost - tokens) / rate))
else
  wait = 3600
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'time', now)
redis.call('PEXPIRE', KEYS[1], rate > 0 and math.ceil((burst - tokens) / rate * 1000) + 1000 or 86400000)
return {taken, wait}
`
const SHA = createHash('sha1').update(SCRIPT).digest('hex')

/** Milliseconds for which tokens that were taken ahead, or a refusal, are believed. */
const LEASE_MS = 1_000
/** Milliseconds of an answer; and for how long Redis is not asked after one that did not come. */
const TIMEOUT_MS = 250
const REST_MS = 1_000
/** Keys remembered in this process. */
const MAX_KEYS = 100_000

interface Lease {
  tokens: number
  /** Above 0: the last answer was a refusal of this many seconds, to a cost of `tokens`. */
  readonly wait: number
  readonly until: number
}

export interface RedisRateLimiterOptions {
  readonly client: RedisClient
  /** Default: `securechat:limit:`. */
  readonly prefix?: string
  /** Asked while Redis is away. Default: buckets in this process, so each node by itself. */
  readonly fallback?: RateLimiter
  readonly clock?: Clock
  readonly logger?: Logger
}

/**
 * Limits that hold for all nodes together. Of fast buckets a node takes up to a tenth of a second's refill ahead (at most a twentieth of the burst) and spends it without
 * asking, so that a send costs no round trip; what it has not spent within a second is lost, which makes the limit stricter and never laxer. Slow buckets, such as those of
 * one-time codes, are asked every time.
 */
export function redisRateLimiter({
  client,
  prefix = 'securechat:limit:',
  clock = systemClock,
  logger = silentLogger,
  ...rest
}: RedisRateLimiterOptions): RateLimiter {
  const fallback = rest.fallback ?? tokenBucketLimiter({ clock })
  const leases = new Map<string, Lease>()
  let restingUntil = 0

  const evaluate = async (key: string, args: number[]): Promise<[number, number]> => {
    const parameters = [1, `${prefix}${key}`, ...args]
    try {
      return (await askRedis(client, TIMEOUT_MS, 'EVALSHA', SHA, ...parameters)) as [number, number]
    } catch (error) {
      if (!isNoScript(error)) throw error
      return (await askRedis(client, TIMEOUT_MS, 'EVAL', SCRIPT, ...parameters)) as [number, number]
    }
  }
  const ask = async (key: string, rule: RateRule, cost: number): Promise<number> => {
    const ahead = Math.floor(Math.min(rule.burst / 20, rule.perSecond / 10))
    try {
      const [taken, wait] = await evaluate(key, [rule.burst, rule.perSecond, cost, cost + ahead])
      const until = clock.now() + LEASE_MS
      // Set anew, so that the order of the map is that of age.
      leases.delete(key)
      if (wait > 0) leases.set(key, { tokens: cost, wait, until })
      else if (taken > cost) leases.set(key, { tokens: taken - cost, wait: 0, until })
      if (leases.size > MAX_KEYS) leases.delete(leases.keys().next().value!)
      return wait
    } catch {
      if (restingUntil <= clock.now()) logger.warn('rate-limiter-alone')
      restingUntil = clock.now() + REST_MS
      return fallback.take(key, rule, cost)
    }
  }

  return {
    take(key, rule, cost = 1) {
      const now = clock.now()
      if (now < restingUntil) return fallback.take(key, rule, cost)
      const lease = leases.get(key)
      if (lease && now < lease.until) {
        if (lease.wait > 0 && cost >= lease.tokens) return lease.wait
        if (lease.wait === 0 && lease.tokens >= cost) {
          lease.tokens -= cost
          return 0
        }
      }
      return ask(key, rule, cost)
    },
  }
}
