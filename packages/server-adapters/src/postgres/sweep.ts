import type { ServerStore } from '@securechat/server'
import type { Database } from './database.js'

const DAY = 86_400_000
/** "SC1S": one node sweeps at a time. */
const LOCK = 0x53433153

/** Each statement deletes by an index, at most `limit` rows, and passes over what others have locked; one transaction each, so that nothing is held for long. */
export function postgresSweep(database: Database): ServerStore['sweep'] {
  const bounded = (table: string, where: string) =>
    database.statement(
      `sweep_${table}`,
      `DELETE FROM {s}.${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {s}.${table} WHERE ${where} LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    )
  const byNow = [
    bounded('logins', 'expires_at <= $1'),
    bounded('registrations', 'expires_at <= $1'),
    bounded('archive_segments', 'expires_at <= $1'),
    bounded('history_transfers', 'expires_at <= $1'),
    bounded('links', 'expires_at <= $1'),
    bounded('refresh_tokens', 'expires_at <= $1'),
    bounded('accounts', 'manifest_version = 0 AND reserved_until <= $1'),
  ]
  const sendings = bounded('sendings', 'time <= $1')
  const sends = bounded('sends', 'time < $1')
  const sessions = database.statement(
    'sweep_sessions',
    `DELETE FROM {s}.sessions WHERE ctid = ANY (ARRAY(
       SELECT s.ctid FROM {s}.sessions s WHERE NOT EXISTS (SELECT 1 FROM {s}.refresh_tokens t WHERE t.session_id = s.session_id) LIMIT $1 FOR UPDATE OF s SKIP LOCKED))`,
  )
  const bodies = database.statement(
    'sweep_bodies',
    `DELETE FROM {s}.bodies WHERE ctid = ANY (ARRAY(
       SELECT b.ctid FROM {s}.bodies b WHERE NOT EXISTS (SELECT 1 FROM {s}.mailbox_rows m WHERE m.body_id = b.body_id) LIMIT $1 FOR UPDATE OF b SKIP LOCKED))`,
  )
  const expired = database.statement<{ device_row: number }>(
    'expired_rows',
    'SELECT DISTINCT device_row FROM (SELECT device_row FROM {s}.mailbox_rows WHERE time < $1 ORDER BY time LIMIT $2) m',
  )
  const lockTails = database.statement('sweep_lock_tails', 'SELECT FROM {s}.mailbox_tails WHERE device_row = ANY ($1::bigint[]) ORDER BY device_row FOR UPDATE')
  const rows = database.statement(
    'sweep_mailbox_rows',
    'DELETE FROM {s}.mailbox_rows WHERE ctid = ANY (ARRAY(SELECT ctid FROM {s}.mailbox_rows WHERE device_row = ANY ($1::bigint[]) AND time < $2 ORDER BY time LIMIT $3))',
  )
  // What waits is counted from the tail: it moves to just below the oldest row that is left.
  const moveTails = database.statement(
    'sweep_move_tails',
    `UPDATE {s}.mailbox_tails t SET acknowledged = greatest(t.acknowledged, coalesce(
       (SELECT min(m.sequence) - 1 FROM {s}.mailbox_rows m WHERE m.device_row = t.device_row),
       (SELECT h.last_sequence FROM {s}.mailbox_heads h WHERE h.device_row = t.device_row)))
     WHERE t.device_row = ANY ($1::bigint[])`,
  )
  const tryLock = database.statement<{ taken: boolean }>('sweep_lock', `SELECT pg_try_advisory_xact_lock(${LOCK}, hashtext('{s}')) AS taken`)

  return async ({ now, mailboxBefore, limit }) => {
    const once = (work: Parameters<typeof database.transaction<number>>[0]): Promise<number> =>
      database.transaction(async (session) => ((await session.row(tryLock))?.taken ? work(session) : 0))
    let swept = 0
    for (const statement of byNow) swept += await once((session) => session.run(statement, now, limit))
    swept += await once((session) => session.run(sendings, now - DAY, limit))
    swept += await once(async (session) => {
      const mailboxes = (await session.rows(expired, mailboxBefore, limit)).map(({ device_row }) => device_row)
      if (mailboxes.length === 0) return 0
      await session.rows(lockTails, mailboxes)
      const gone = await session.run(rows, mailboxes, mailboxBefore, limit)
      await session.run(moveTails, mailboxes)
      return gone
    })
    swept += await once((session) => session.run(sends, mailboxBefore, limit))
    for (const statement of [sessions, bodies]) swept += await once((session) => session.run(statement, limit))
    return swept
  }
}
