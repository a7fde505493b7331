import { equalPublicBytes } from '@securechat/protocol'
import type { CodeTry, LoginStore } from '@securechat/server'
import type { AccountRow, AccountRows } from './account-rows.js'
import type { Database, Session } from './database.js'
import { accountBytes } from './rows.js'

const DAY = 86_400_000
/** "SC1P": the lock of one number, taken first by whatever touches a number's logins or its account's existence. */
const PHONE_LOCK = 0x53433150

interface LoginRow {
  readonly phone_hash: Uint8Array
  readonly code_mac: Uint8Array
  readonly expires_at: number
  readonly tries: number
  readonly redeemed_hash: Uint8Array | null
  readonly grace_until: number | null
}

/** Until the end of the transaction nobody else works on this number (two numbers may share a lock: they wait, and nothing else). */
export type LockPhone = (session: Session, phoneHash: Uint8Array) => Promise<void>

export function createPhoneLock(database: Database): LockPhone {
  const lock = database.statement('phone_lock', `SELECT pg_advisory_xact_lock(${PHONE_LOCK}, hashtext('{s}' || encode($1, 'hex')))`)
  return async (session, phoneHash) => {
    await session.rows(lock, phoneHash)
  }
}

export function postgresLogins(database: Database, accounts: AccountRows, lockPhone: LockPhone): LoginStore {
  const sent = database.statement<{ time: number }>('sent', 'SELECT time FROM {s}.sendings WHERE phone_hash = $1 AND time > $2 ORDER BY time')
  const addSending = database.statement('add_sending', 'INSERT INTO {s}.sendings (phone_hash, time) VALUES ($1, $2)')
  const addLogin = database.statement('add_login', 'INSERT INTO {s}.logins (login_id, phone_hash, code_mac, expires_at) VALUES ($1, $2, $3, $4)')
  const login = database.statement<LoginRow>(
    'login',
    'SELECT phone_hash, code_mac, expires_at, tries, redeemed_hash, grace_until FROM {s}.logins WHERE login_id = $1',
  )
  const countTry = database.statement<{ phone_hash: Uint8Array; code_mac: Uint8Array; tries: number }>(
    'count_try',
    'UPDATE {s}.logins SET tries = tries + 1 WHERE login_id = $1 AND expires_at > $2 AND (grace_until IS NULL OR grace_until > $2) AND tries < $3 RETURNING phone_hash, code_mac, tries',
  )
  const redeem = database.statement('redeem', 'UPDATE {s}.logins SET redeemed_hash = $2, grace_until = $3 WHERE login_id = $1')
  const addRegistration = database.statement('add_registration', 'INSERT INTO {s}.registrations (hash, account_id, expires_at) VALUES ($1, $2, $3)')
  const reserve = database.statement<AccountRow>(
    'reserve',
    `INSERT INTO {s}.accounts AS a (account_id, phone_hash, reserved_until, next_device_id) VALUES ($1, $2, $3, 1)
     ON CONFLICT (phone_hash) DO UPDATE SET reserved_until = greatest(a.reserved_until, excluded.reserved_until) RETURNING ${accounts.columns}`,
  )

  return {
    openLogin: (request, decide) =>
      database.transaction(async (session) => {
        await lockPhone(session, request.phoneHash)
        const times = await session.rows(sent, request.phoneHash, request.now - DAY)
        const retryAt = decide(times.map(({ time }) => time))
        if (retryAt !== null) return { opened: false as const, retryAt }
        await session.run(addSending, request.phoneHash, request.now)
        await session.run(addLogin, request.loginId, request.phoneHash, request.codeMac, request.expiresAt)
        return { opened: true as const }
      }),

    async tryCode({ loginId, now, maxTries }): Promise<CodeTry> {
      // One statement: each of parallel guesses waits for the row and sees the count of the one before it.
      const counted = await database.transaction((session) => session.row(countTry, loginId, now, maxTries))
      if (counted) return { state: 'counted', codeMac: counted.code_mac, phoneHash: counted.phone_hash, triesLeft: maxTries - counted.tries }
      const row = await database.row(login, loginId)
      if (!row) return { state: 'absent' }
      if (now >= row.expires_at || (row.grace_until !== null && now >= row.grace_until)) return { state: 'expired' }
      return { state: 'exhausted' }
    },

    redeemLogin: ({ loginId, now, graceUntil, newAccountId, registrationHash, registrationExpiresAt }) =>
      database.transaction(async (session) => {
        const found = await session.row(login, loginId)
        if (!found) return undefined
        await lockPhone(session, found.phone_hash)
        // Again, now that nobody else can redeem it.
        const row = await session.row(login, loginId)
        if (!row || now >= row.expires_at) return undefined
        const redeemed = row.redeemed_hash !== null
        if (redeemed && (now >= (row.grace_until ?? 0) || !equalPublicBytes(row.redeemed_hash!, registrationHash))) return undefined
        const account = (await session.row(reserve, accountBytes(newAccountId), row.phone_hash, registrationExpiresAt))!
        if (!redeemed) {
          await session.run(redeem, loginId, registrationHash, graceUntil)
          await session.run(addRegistration, registrationHash, account.account_id, registrationExpiresAt)
        }
        return accounts.state(session, account)
      }),
  }
}
