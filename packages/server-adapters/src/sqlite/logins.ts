import { equalPublicBytes } from '@securechat/protocol'
import type { CodeTry, LoginStore } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { AccountRows } from './account-rows.js'
import type { Batch } from './batch.js'
import { accountBytes } from './devices.js'

const DAY = 86_400_000

interface LoginRow {
  readonly phone_hash: Uint8Array
  readonly code_mac: Uint8Array
  readonly expires_at: number
  readonly tries: number
  readonly redeemed_hash: Uint8Array | null
  readonly grace_until: number | null
}

export function sqliteLogins(database: SqlDriver, batch: Batch, accounts: AccountRows): LoginStore {
  const sent = database.prepare<{ time: number }>('SELECT time FROM sendings WHERE phone_hash = ? AND time > ? ORDER BY time')
  const addSending = database.prepare('INSERT INTO sendings (phone_hash, time) VALUES (?, ?)')
  const addLogin = database.prepare('INSERT INTO logins (login_id, phone_hash, code_mac, expires_at) VALUES (?, ?, ?, ?)')
  const login = database.prepare<LoginRow>('SELECT phone_hash, code_mac, expires_at, tries, redeemed_hash, grace_until FROM logins WHERE login_id = ?')
  const countTry = database.prepare('UPDATE logins SET tries = tries + 1 WHERE login_id = ?')
  const redeem = database.prepare('UPDATE logins SET redeemed_hash = ?, grace_until = ? WHERE login_id = ?')
  const addRegistration = database.prepare('INSERT INTO registrations (hash, account_id, expires_at) VALUES (?, ?, ?)')
  const reserve = database.prepare(
    'INSERT INTO accounts (account_id, phone_hash, reserved_until, next_device_id) VALUES (?, ?, ?, 1) ON CONFLICT (phone_hash) DO UPDATE SET reserved_until = max(reserved_until, excluded.reserved_until)',
  )

  return {
    openLogin: (request, decide) =>
      batch.write(() => {
        const retryAt = decide(sent.all(request.phoneHash, request.now - DAY).map(({ time }) => time))
        if (retryAt !== null) return { opened: false as const, retryAt }
        addSending.run(request.phoneHash, request.now)
        addLogin.run(request.loginId, request.phoneHash, request.codeMac, request.expiresAt)
        return { opened: true as const }
      }),

    tryCode: ({ loginId, now, maxTries }) =>
      batch.write((): CodeTry => {
        const row = login.get(loginId)
        if (!row) return { state: 'absent' }
        if (now >= row.expires_at || (row.grace_until !== null && now >= row.grace_until)) return { state: 'expired' }
        if (row.tries >= maxTries) return { state: 'exhausted' }
        countTry.run(loginId)
        return { state: 'counted', codeMac: row.code_mac, phoneHash: row.phone_hash, triesLeft: maxTries - row.tries - 1 }
      }),

    redeemLogin: ({ loginId, now, graceUntil, newAccountId, registrationHash, registrationExpiresAt }) =>
      batch.write(() => {
        const row = login.get(loginId)
        if (!row || now >= row.expires_at) return undefined
        const redeemed = row.redeemed_hash !== null
        if (redeemed && (now >= (row.grace_until ?? 0) || !equalPublicBytes(row.redeemed_hash!, registrationHash))) return undefined
        reserve.run(accountBytes(newAccountId), row.phone_hash, registrationExpiresAt)
        const account = accounts.byPhone(row.phone_hash)!
        if (!redeemed) {
          redeem.run(registrationHash, graceUntil, loginId)
          addRegistration.run(registrationHash, account.account_id, registrationExpiresAt)
        }
        return accounts.state(account)
      }),
  }
}
