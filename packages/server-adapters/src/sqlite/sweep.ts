import type { ServerStore } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { Batch } from './batch.js'

const DAY = 86_400_000

/** Each statement deletes by an index and at most `limit` rows, so that a sweep never holds the writer for long. */
export function sqliteSweep(database: SqlDriver, batch: Batch, forgetCounts: () => void): ServerStore['sweep'] {
  const bounded = (table: string, key: string, where: string) =>
    database.prepare(`DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${where} LIMIT ?)`)
  const byNow = [
    bounded('logins', 'login_id', 'expires_at <= ?'),
    bounded('links', 'link_id', 'expires_at <= ?'),
    bounded('registrations', 'hash', 'expires_at <= ?'),
    bounded('archive_segments', 'rowid', 'expires_at <= ?'),
    bounded('history_transfers', 'rowid', 'expires_at <= ?'),
    bounded('refresh_tokens', 'hash', 'expires_at <= ?'),
    bounded('accounts', 'account_id', 'manifest_version = 0 AND reserved_until <= ?'),
  ]
  const sendings = bounded('sendings', 'rowid', 'time <= ?')
  // Both grow at their end, so the oldest stand first and need no index by time.
  const oldest = (table: string, key: string) =>
    database.prepare(`DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} ORDER BY ${key} LIMIT ?) AND time < ?`)
  const mailbox = oldest('mailbox_rows', 'sequence')
  const sends = oldest('sends', 'number')
  const sessions = database.prepare(
    'DELETE FROM sessions WHERE session_id IN (SELECT session_id FROM sessions WHERE NOT EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.session_id = sessions.session_id) LIMIT ?)',
  )
  const bodies = database.prepare(
    'DELETE FROM bodies WHERE body_id IN (SELECT body_id FROM bodies WHERE NOT EXISTS (SELECT 1 FROM mailbox_rows r WHERE r.body_id = bodies.body_id) LIMIT ?)',
  )

  return ({ now, mailboxBefore, limit }) =>
    batch.write(() => {
      let swept = 0
      for (const statement of byNow) swept += statement.run(now, limit).changes
      swept += sendings.run(now - DAY, limit).changes
      const expired = mailbox.run(limit, mailboxBefore).changes
      if (expired > 0) forgetCounts()
      swept += expired + sends.run(limit, mailboxBefore).changes + sessions.run(limit).changes
      return swept + bodies.run(limit).changes
    })
}
