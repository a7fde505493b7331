export type { RedisClient, RedisOverride, RedisSubscriber } from './client.js'
export { type RedisBus, type RedisBusOptions, redisBus } from './redis-bus.js'
export { type RedisNoncesOptions, redisNonces } from './redis-nonces.js'
export { type RedisRateLimiterOptions, redisRateLimiter } from './redis-rate-limiter.js'
