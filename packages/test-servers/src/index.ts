export { type PostgresServer, startPostgres } from './postgres.js'
export { REDIS_SERVER, type RedisServer, startRedis } from './redis.js'
