import type { Timestamp } from '@securechat/protocol/core'
import { isStalled } from '../pq/status.js'
import { sendingSession } from './choice.js'
import type { SessionRecord } from './record.js'

/** How far the post-quantum ratchet of a pair of devices is (docs/protocol/07-post-quantum-ratchet.md). */
export interface PostQuantumStatus {
  /** Post-quantum secrets that were mixed into the session since its handshake, which was one itself. */
  readonly epoch: number
  /** When the last of them was, or when the session began. */
  readonly since: Timestamp
  /** No epoch for 14 days although both sides wrote. */
  readonly stalled: boolean
}

/** Of the session that is sent on; null where there is none. */
export function postQuantumStatus(record: SessionRecord, now: Timestamp): PostQuantumStatus | null {
  const session = sendingSession(record)
  if (!session) return null
  const { pq } = session.ratchet
  return { epoch: pq.epoch, since: pq.since, stalled: isStalled(pq, now) }
}
