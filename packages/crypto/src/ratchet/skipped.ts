import { LIMITS, type Timestamp } from '@securechat/protocol'
import type { ReceiveChain } from './state.js'

const LIFETIME = LIMITS.skippedKeyDays * 86_400_000

/**
 * Drops keys older than 14 days and, above 2,000 in all, the oldest chains' first: a message that late is lost and asked for
 * again. Chains are kept without keys, since they tell a duplicate from a forgery.
 */
export function limitSkipped(chains: readonly ReceiveChain[], now: Timestamp): readonly ReceiveChain[] {
  let room: number = LIMITS.skippedKeys
  let changed = false
  const limited = chains.map((chain) => {
    if (chain.skipped.length === 0) return chain
    let kept = chain.skipped
    if (kept.some(({ storedAt }) => now - storedAt > LIFETIME)) kept = kept.filter(({ storedAt }) => now - storedAt <= LIFETIME)
    if (kept.length > room) kept = room === 0 ? [] : kept.slice(-room)
    room -= kept.length
    if (kept === chain.skipped) return chain
    changed = true
    return { ...chain, skipped: kept }
  })
  return changed ? limited : chains
}
