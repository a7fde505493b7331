import { LIMITS, type Timestamp } from '@securechat/protocol/core'
import type { PqState } from './state.js'

const STALL_TIME = LIMITS.pqStallDays * 86_400_000

/**
 * No epoch in 14 days of two-way traffic: somebody withholds the messages that carry chunks, or the peer cannot do it. A quiet conversation
 * is not stalled, since in it no epoch could have come (docs/protocol/07-post-quantum-ratchet.md, "Stalling").
 */
export const isStalled = ({ since, exchanged }: PqState, now: Timestamp): boolean => exchanged >= LIMITS.pqStallChunks && now - since >= STALL_TIME
