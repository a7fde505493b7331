import { LIMITS, type Timestamp } from '@securechat/protocol/core'
import type { ReceiveChain, SkippedKey } from './state.js'

const LIFETIME = LIMITS.skippedKeyDays * 86_400_000

const hasExpired = ({ skipped }: ReceiveChain, now: Timestamp): boolean => {
  for (let i = 0; i < skipped.length; i++) if (now - skipped[i]!.storedAt > LIFETIME) return true
  return false
}

/**
 * Drops keys older than 14 days and, above 2,000 in all, the oldest chains' first: a message that late is lost and asked for
 * again. Chains are kept without keys, since they tell a duplicate from a forgery.
 */
export function limitSkipped(chains: readonly ReceiveChain[], now: Timestamp): readonly ReceiveChain[] {
  if (chains.every(({ skipped }) => skipped.length === 0)) return chains
  let room: number = LIMITS.skippedKeys
  let changed = false
  const limited = chains.map((chain) => {
    let kept = chain.skipped
    if (hasExpired(chain, now)) kept = kept.filter(({ storedAt }) => now - storedAt <= LIFETIME)
    if (kept.length > room) kept = room === 0 ? [] : kept.slice(-room)
    room -= kept.length
    if (kept === chain.skipped) return chain
    changed = true
    return { ...chain, skipped: kept }
  })
  return changed ? limited : chains
}

/** Where the key of `counter` is in a list that ascends by counter; −1 where it is not. */
export function indexOfSkipped(skipped: readonly SkippedKey[], counter: number): number {
  let [low, high] = [0, skipped.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const at = skipped[middle]!.counter
    if (at === counter) return middle
    if (at < counter) low = middle + 1
    else high = middle - 1
  }
  return -1
}

/** The list without the key at `index`. */
export function withoutSkipped(skipped: readonly SkippedKey[], index: number): readonly SkippedKey[] {
  const kept = skipped.slice()
  kept.splice(index, 1)
  return kept
}
