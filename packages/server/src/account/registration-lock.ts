import { type Clock, equalSecretBytes, LIMITS, type OperationInput, type OperationOutput, SecureChatError } from '@securechat/protocol'
import type { Hashes } from '../auth/secrets.js'
import type { DeviceCaller } from '../caller.js'
import type { Bus } from '../ports/bus.js'
import type { AccountStore } from '../ports/store.js'
import type { Verifier } from '../ports/verifier.js'

const DAY = 86_400_000
const HOUR = 3_600_000
/** Bit of a device's flags in a manifest (docs/protocol/02). */
const PRIMARY = 1

export interface RegistrationLockDeps {
  readonly store: AccountStore
  readonly verifier: Verifier
  readonly hashes: Hashes
  readonly bus: Bus
  readonly clock: Clock
}

export interface RegistrationLockService {
  set(input: OperationInput<'account.setRegistrationLock'>, caller: DeviceCaller): Promise<void>
  get(caller: DeviceCaller): Promise<OperationOutput<'account.registrationLock'>>
  unlock(input: OperationInput<'auth.unlockRegistration'>, registrationToken: string | undefined): Promise<OperationOutput<'auth.unlockRegistration'>>
}

/**
 * Accounts that were active after this time keep their lock: full days without any device. Days are counted from their first millisecond, so one more has to pass.
 */
export const lockedSince = (now: number): number => now - (LIMITS.registrationLockIdleDays + 1) * DAY

/** docs/protocol/13-linking.md, "Registration lock". */
export function createRegistrationLockService({ store, verifier, hashes, bus, clock }: RegistrationLockDeps): RegistrationLockService {
  return {
    async set({ lock }, { accountId, deviceId }) {
      const account = await store.account(accountId)
      if (!account?.manifest) throw new SecureChatError('auth/revoked')
      const self = verifier.verifyManifest(account.manifest).devices.find((device) => device.deviceId === deviceId)
      if (!self || (self.flags & PRIMARY) === 0) throw new SecureChatError('devices/not-primary')
      const stored = lock && { salt: lock.salt, mac: hashes.pin(accountId, lock.key), since: clock.now() }
      if (!(await store.setLock(accountId, stored))) throw new SecureChatError('auth/revoked')
    },

    async get({ accountId }) {
      const lock = await store.lock(accountId)
      return lock ? { lock: { since: lock.since } } : {}
    },

    async unlock({ key }, registrationToken) {
      if (registrationToken === undefined) throw new SecureChatError('auth/required', { detail: 'registration token' })
      const [now, registrationHash] = [clock.now(), hashes.token(registrationToken)]
      const windowMs = LIMITS.registrationLockHours * HOUR
      const attempt = await store.tryPin({ registrationHash, now, maxTries: LIMITS.registrationLockTries, windowMs })
      if (attempt.state === 'absent') throw new SecureChatError('auth/code-expired', { detail: 'registration token' })
      if (attempt.state === 'exhausted')
        throw new SecureChatError('auth/too-many-tries', { detail: 'PIN', retryAfterSeconds: Math.max(1, Math.ceil((attempt.retryAt - now) / 1000)) })
      const { accountId, mac, triesLeft } = attempt
      if (!equalSecretBytes(hashes.pin(accountId, key), mac)) {
        bus.publish({ type: 'event', accountId, event: { type: 'sign-in-refused' } })
        return { unlocked: false, triesLeft }
      }
      if (!(await store.unlockRegistration(registrationHash, now))) throw new SecureChatError('auth/code-expired', { detail: 'registration token' })
      return { unlocked: true, triesLeft }
    },
  }
}
