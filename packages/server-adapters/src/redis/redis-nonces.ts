import type { SharedNonces } from '@securechat/server'
import { askRedis, type RedisClient } from './client.js'

/** Milliseconds of an answer. */
const TIMEOUT_MS = 250

export interface RedisNoncesOptions {
  readonly client: RedisClient
  /** Default: `securechat:nonce:`. */
  readonly prefix?: string
}

/** Nonces of request proofs, known to all nodes for as long as the proofs are accepted. */
export function redisNonces({ client, prefix = 'securechat:nonce:' }: RedisNoncesOptions): SharedNonces {
  return {
    claim: async (key, seconds) => (await askRedis(client, TIMEOUT_MS, 'SET', `${prefix}${key}`, '', 'EX', seconds, 'NX')) === 'OK',
  }
}
