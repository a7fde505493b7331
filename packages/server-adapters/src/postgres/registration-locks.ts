import type { AccountId, Timestamp } from '@securechat/protocol'
import type { AccountStore, PinTry } from '@securechat/server'
import type { AccountRows } from './account-rows.js'
import type { Database, Session } from './database.js'
import { accountBytes, accountText } from './rows.js'

interface LockRow {
  readonly salt: Uint8Array
  readonly mac: Uint8Array
  readonly since: number
  readonly tries: number
  readonly tries_since: number
}

export interface RegistrationLocks {
  readonly store: Pick<AccountStore, 'tryPin' | 'unlockRegistration' | 'setLock' | 'lock'>
  /** Inside the caller's transaction, which has locked the account's row. */
  activeAt(session: Session, account: Uint8Array): Promise<Timestamp | undefined>
  remove(session: Session, account: Uint8Array): Promise<void>
}

/** Whatever changes a lock holds the account's row, so that parallel tries are counted one after the other. */
export function postgresRegistrationLocks(database: Database, accounts: AccountRows): RegistrationLocks {
  const find = database.statement<LockRow>('registration_lock', 'SELECT salt, mac, since, tries, tries_since FROM {s}.registration_locks WHERE account_id = $1')
  const lastSeen = database.statement<{ seen_at: number | null }>('account_seen', 'SELECT max(seen_at) AS seen_at FROM {s}.devices WHERE account_id = $1')
  const registration = database.statement<{ account_id: Uint8Array; unlocked: boolean }>(
    'registration_unlocked',
    'SELECT account_id, unlocked FROM {s}.registrations WHERE hash = $1 AND expires_at > $2',
  )
  const setTries = database.statement('set_pin_tries', 'UPDATE {s}.registration_locks SET tries = $2, tries_since = $3 WHERE account_id = $1')
  const giveBack = database.statement('give_back_pin_try', 'UPDATE {s}.registration_locks SET tries = greatest(tries - 1, 0) WHERE account_id = $1')
  const unlock = database.statement('unlock_registration', 'UPDATE {s}.registrations SET unlocked = true WHERE hash = $1')
  const set = database.statement(
    'set_registration_lock',
    `INSERT INTO {s}.registration_locks (account_id, salt, mac, since, tries, tries_since) VALUES ($1, $2, $3, $4, 0, 0)
     ON CONFLICT (account_id) DO UPDATE SET salt = excluded.salt, mac = excluded.mac, since = excluded.since, tries = 0, tries_since = 0`,
  )
  const remove = database.statement('remove_registration_lock', 'DELETE FROM {s}.registration_locks WHERE account_id = $1')

  const activeAt = async (session: Session, account: Uint8Array): Promise<Timestamp | undefined> => {
    const lock = await session.row(find, account)
    return lock && Math.max(lock.since, (await session.row(lastSeen, account))?.seen_at ?? 0)
  }

  return {
    activeAt,
    async remove(session, account) {
      await session.run(remove, account)
    },
    store: {
      tryPin: ({ registrationHash, now, maxTries, windowMs }) =>
        database.transaction(async (session): Promise<PinTry> => {
          const found = await session.row(registration, registrationHash, now)
          if (!found || !(await accounts.lock(session, accountText(found.account_id)))) return { state: 'absent' }
          const lock = await session.row(find, found.account_id)
          if (!lock) return { state: 'absent' }
          const fresh = now >= lock.tries_since + windowMs
          const [tries, since] = fresh ? [0, now] : [lock.tries, lock.tries_since]
          if (tries >= maxTries) return { state: 'exhausted', retryAt: since + windowMs }
          await session.run(setTries, found.account_id, tries + 1, since)
          return { state: 'counted', mac: lock.mac, accountId: accountText(found.account_id), triesLeft: maxTries - tries - 1 }
        }),

      unlockRegistration: (registrationHash, now) =>
        database.transaction(async (session) => {
          const named = await session.row(registration, registrationHash, now)
          if (!named || !(await accounts.lock(session, accountText(named.account_id)))) return false
          // Again, now that nobody else can unlock it.
          const found = await session.row(registration, registrationHash, now)
          if (!found) return false
          if (!found.unlocked) await session.run(giveBack, found.account_id)
          await session.run(unlock, registrationHash)
          return true
        }),

      setLock: (accountId, lock) =>
        database.transaction(async (session) => {
          const account = await accounts.lock(session, accountId)
          if (!account || account.manifest_version === 0) return false
          if (lock) await session.run(set, account.account_id, lock.salt, lock.mac, lock.since)
          else await session.run(remove, account.account_id)
          return true
        }),

      async lock(accountId: AccountId) {
        const row = await database.row(find, accountBytes(accountId))
        if (!row) return undefined
        const { salt, mac, since } = row
        return { salt, mac, since, activeAt: (await activeAt(database, accountBytes(accountId))) ?? since }
      },
    },
  }
}
