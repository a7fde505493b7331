import { comparePublicBytes, equalPublicBytes, LIMITS, type Timestamp } from '@securechat/protocol/core'
import { limitSkipped } from '../ratchet/skipped.js'
import type { Session, SessionRecord } from './record.js'

const DAY = 86_400_000
/** Days after which a superseded session, on which nothing comes any more, is erased. */
const SUPERSEDED_DAYS = 14

/** Negative where `a` is to be sent on rather than `b`. */
function preference(a: Session, b: Session): number {
  if (a.generation !== b.generation) return b.generation - a.generation
  if (a.acknowledged !== b.acknowledged) return a.acknowledged ? -1 : 1
  return comparePublicBytes(a.ratchet.th, b.ratchet.th)
}

function best(sessions: readonly Session[]): Session | null {
  let chosen: Session | null = null
  for (const session of sessions) if (!chosen || preference(chosen, session) > 0) chosen = session
  return chosen
}

/**
 * The session to send on: highest generation, then an acknowledged one, then the smaller th. After two first messages that
 * crossed, both sides have both sessions acknowledged within two round trips and choose the same.
 */
export const sendingSession = (record: SessionRecord): Session | null => best(record.sessions)

function isAlive(session: Session, now: Timestamp): boolean {
  if (!session.acknowledged) return now - session.createdAt <= LIMITS.unacknowledgedSessionDays * DAY
  return session.supersededAt === 0 || now - session.supersededAt <= SUPERSEDED_DAYS * DAY
}

/** Erases what has expired. Sessions that nobody answered go after 30 days, superseded ones 14 days after their last message. */
export function expire(record: SessionRecord, now: Timestamp): SessionRecord {
  if (record.sessions.every((session) => isAlive(session, now))) return record
  return { ...record, sessions: record.sessions.filter((session) => isAlive(session, now)) }
}

/** Puts `changed` in the place of the session with the same th (or adds it), marks the superseded ones and keeps to the limit. */
export function withSession(record: SessionRecord, changed: Session, now: Timestamp): SessionRecord {
  const nextGeneration = Math.max(record.nextGeneration, changed.generation + 1)
  const { peer, sessions, seen } = record
  // Nearly every record: its one session has nothing to be preferred to.
  if (sessions.length === 1 && changed.supersededAt === 0 && equalPublicBytes(sessions[0]!.ratchet.th, changed.ratchet.th))
    return { peer, nextGeneration, sessions: [changed], seen }
  const others = sessions.filter(({ ratchet }) => !equalPublicBytes(ratchet.th, changed.ratchet.th))
  const all = [...others, changed]
  const preferred = best(all.filter(({ acknowledged }) => acknowledged))
  const marked = all.map((session) => {
    if (session === preferred || !session.acknowledged) return session.supersededAt === 0 ? session : { ...session, supersededAt: 0 }
    return session.supersededAt === 0 || session === changed ? { ...session, supersededAt: now } : session
  })
  return {
    peer,
    nextGeneration,
    seen,
    sessions: marked.sort(preference).slice(0, LIMITS.sessionsPerPair),
  }
}

/** Also forgets handshakes whose prekeys were deleted, and skipped keys past their time. For a daily sweep. */
export function pruneSessionRecord(
  record: SessionRecord,
  { now, livePreKeyIds }: { readonly now: Timestamp; readonly livePreKeyIds: ReadonlySet<number> },
): SessionRecord {
  const alive = expire(record, now)
  return {
    ...alive,
    sessions: alive.sessions.map((session) => ({ ...session, ratchet: { ...session.ratchet, receive: limitSkipped(session.ratchet.receive, now) } })),
    // Without either of its two private keys a first message cannot be accepted again.
    seen: alive.seen.filter(({ signedPreKeyId, kemKeyId }) => livePreKeyIds.has(signedPreKeyId) && livePreKeyIds.has(kemKeyId)),
  }
}

const ACKNOWLEDGE_AFTER_MESSAGES = 50
const ACKNOWLEDGE_AFTER = DAY

/**
 * True when an empty encrypted message should be sent, so that keys turn over although the user only reads: at once on a new
 * session, after 50 messages, or 24 h after the first of at least two. Two, because an answer to every single
 * acknowledgement would never end.
 */
export function acknowledgementDue(record: SessionRecord, now: Timestamp): boolean {
  const session = sendingSession(record)
  if (!session || session.receivedSinceSend === 0) return false
  const { ratchet, role, receivedSinceSend, unansweredSince } = session
  if (role === 'responder' && !ratchet.send && ratchet.previousChainLength === 0) return true
  return receivedSinceSend >= ACKNOWLEDGE_AFTER_MESSAGES || (receivedSinceSend >= 2 && now - unansweredSince >= ACKNOWLEDGE_AFTER)
}
