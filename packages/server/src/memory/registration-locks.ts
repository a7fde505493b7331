import type { AccountId, Timestamp } from '@securechat/protocol'
import type { AccountStore, PinTry, StoredLock } from '../ports/store.js'
import { type Account, keyOf, type MemoryState, requireOpen } from './state.js'

export const activeAt = ({ devices }: Account, { since }: StoredLock): Timestamp => Math.max(since, ...[...devices.values()].map(({ seenAt }) => seenAt ?? 0))

type Locks = Pick<AccountStore, 'tryPin' | 'unlockRegistration' | 'setLock' | 'lock'>

export function memoryRegistrationLocks(state: MemoryState, registered: (accountId: AccountId) => Account | undefined): Locks {
  const living = (registrationHash: Uint8Array, now: Timestamp) => {
    requireOpen(state)
    const registration = state.registrations.get(keyOf(registrationHash))
    return registration && now < registration.expiresAt ? registration : undefined
  }
  return {
    async tryPin({ registrationHash, now, maxTries, windowMs }): Promise<PinTry> {
      const registration = living(registrationHash, now)
      const account = registration && registered(registration.accountId)
      if (!account?.lock) return { state: 'absent' }
      const { lock } = account
      if (now >= lock.triesSince + windowMs) [lock.tries, lock.triesSince] = [0, now]
      if (lock.tries >= maxTries) return { state: 'exhausted', retryAt: lock.triesSince + windowMs }
      lock.tries++
      return { state: 'counted', mac: lock.mac.slice(), accountId: account.accountId, triesLeft: maxTries - lock.tries }
    },

    async unlockRegistration(registrationHash, now) {
      const registration = living(registrationHash, now)
      if (!registration) return false
      const lock = registered(registration.accountId)?.lock
      if (lock && lock.tries > 0 && !registration.unlocked) lock.tries--
      registration.unlocked = true
      return true
    },

    async setLock(accountId, lock) {
      const account = registered(accountId)
      if (!account) return false
      if (lock) account.lock = { salt: lock.salt.slice(), mac: lock.mac.slice(), since: lock.since, tries: 0, triesSince: 0 }
      else delete account.lock
      return true
    },

    async lock(accountId) {
      const account = registered(accountId)
      if (!account?.lock) return undefined
      const { salt, mac, since } = account.lock
      return { salt: salt.slice(), mac: mac.slice(), since, activeAt: activeAt(account, account.lock) }
    },
  }
}
