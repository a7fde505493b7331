import type { AccountId, Timestamp } from '@securechat/protocol'
import type { AccountStore, PinTry } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { Batch } from './batch.js'
import { accountBytes, accountText } from './devices.js'

interface LockRow {
  readonly salt: Uint8Array
  readonly mac: Uint8Array
  readonly since: number
  readonly tries: number
  readonly tries_since: number
  readonly active_at: number
}

export interface RegistrationLocks {
  readonly store: Pick<AccountStore, 'tryPin' | 'unlockRegistration' | 'setLock' | 'lock'>
  /** Inside the caller's transaction or read. */
  activeAt(account: Uint8Array): Timestamp | undefined
  remove(account: Uint8Array): void
}

export function sqliteRegistrationLocks(database: SqlDriver, batch: Batch, registered: (accountId: AccountId) => boolean): RegistrationLocks {
  const find = database.prepare<LockRow>(
    `SELECT salt, mac, since, tries, tries_since,
       max(since, coalesce((SELECT max(seen_at) FROM devices d WHERE d.account_id = l.account_id), 0)) AS active_at
     FROM registration_locks l WHERE account_id = ?`,
  )
  const registration = database.prepare<{ account_id: Uint8Array; unlocked: number }>(
    'SELECT account_id, unlocked FROM registrations WHERE hash = ? AND expires_at > ?',
  )
  const setTries = database.prepare('UPDATE registration_locks SET tries = ?, tries_since = ? WHERE account_id = ?')
  const giveBack = database.prepare('UPDATE registration_locks SET tries = max(tries - 1, 0) WHERE account_id = ?')
  const unlock = database.prepare('UPDATE registrations SET unlocked = 1 WHERE hash = ?')
  const set = database.prepare('INSERT OR REPLACE INTO registration_locks (account_id, salt, mac, since, tries, tries_since) VALUES (?, ?, ?, ?, 0, 0)')
  const remove = database.prepare('DELETE FROM registration_locks WHERE account_id = ?')

  return {
    activeAt: (account) => find.get(account)?.active_at,
    remove: (account) => void remove.run(account),
    store: {
      tryPin: ({ registrationHash, now, maxTries, windowMs }) =>
        batch.write((): PinTry => {
          const found = registration.get(registrationHash, now)
          const lock = found && find.get(found.account_id)
          if (!lock) return { state: 'absent' }
          const fresh = now >= lock.tries_since + windowMs
          const [tries, since] = fresh ? [0, now] : [lock.tries, lock.tries_since]
          if (tries >= maxTries) return { state: 'exhausted', retryAt: since + windowMs }
          setTries.run(tries + 1, since, found.account_id)
          return { state: 'counted', mac: lock.mac, accountId: accountText(found.account_id), triesLeft: maxTries - tries - 1 }
        }),

      unlockRegistration: (registrationHash, now) =>
        batch.write(() => {
          const found = registration.get(registrationHash, now)
          if (!found) return false
          if (found.unlocked === 0) giveBack.run(found.account_id)
          unlock.run(registrationHash)
          return true
        }),

      setLock: (accountId, lock) =>
        batch.write(() => {
          if (!registered(accountId)) return false
          if (lock) set.run(accountBytes(accountId), lock.salt, lock.mac, lock.since)
          else remove.run(accountBytes(accountId))
          return true
        }),

      lock: async (accountId) =>
        batch.read(() => {
          const row = registered(accountId) ? find.get(accountBytes(accountId)) : undefined
          return row && { salt: row.salt, mac: row.mac, since: row.since, activeAt: row.active_at }
        }),
    },
  }
}
