import { asSecureChatError, isSecureChatError } from '@securechat/protocol'
import { presentProfile } from '../contacts/present.js'
import type { Context } from '../context.js'
import { createLiveQuery } from '../live/live-query.js'
import { readAccount } from '../state/account.js'
import { KEYS } from '../state/keys.js'
import { readOwnProfile } from '../state/profile.js'
import type { AccountState, Client } from '../types.js'
import { requestCode } from './login.js'
import type { Profiles } from './profile.js'
import type { Registrar } from './registration.js'
import { type Departure, wipe } from './sign-out.js'

/** How long leaving waits for the server. */
const LOGOUT_MS = 5_000

export interface AccountDeps {
  readonly context: Context
  readonly profiles: Profiles
  readonly registrar: Registrar
  readonly departure: Departure
  /** Stops everything that uses the store. */
  readonly stop: () => Promise<void>
}

export function createAccount({ context, profiles, registrar, departure, stop }: AccountDeps): Client['account'] {
  const { db, storage, logger, network, events } = context

  const state = async (): Promise<AccountState> => {
    const account = await readAccount(db)
    if (!account) return Object.freeze({ status: 'signed-out' })
    const { status, accountId, deviceId, phone } = account
    const profile = presentProfile(await readOwnProfile(db))
    return Object.freeze({ status, accountId, deviceId, phone, ...(profile && { profile }) })
  }
  const leave = async (): Promise<void> => {
    await stop()
    await wipe(context)
    context.identity.forget()
    // The same client may sign in again.
    network.allow()
    events.emit('signed-out', { reason: 'logout' })
  }
  const departing = async (work: () => Promise<void>): Promise<void> => {
    departure.under = true
    departure.tell(true)
    try {
      await work()
    } finally {
      departure.under = false
      departure.tell(false)
    }
  }

  return {
    state,
    live: () =>
      createLiveQuery({
        logger,
        watch(onChange) {
          const ends = [KEYS.account, KEYS.profile].map((key) => storage.watch(key, onChange))
          return () => {
            for (const end of ends) end()
          }
        },
        load: state,
      }),
    requestCode: (input, options) => requestCode({ context, registrar, state }, input, options),
    setRegistrationLock: async (pin, options) => (await import('./registration-lock.js')).setRegistrationLock(context, pin, options),
    registrationLock: async (options = {}) => (await network.call('account.registrationLock', {}, options)).lock,
    setProfile: (profile, { signal } = {}) => profiles.set(profile, signal),
    logout: (options = {}) =>
      departing(async () => {
        try {
          // Without a session there is nothing to end on the server.
          if ((await readAccount(db))?.status === 'signed-in') await network.call('auth.logout', {}, { ...options, timeoutMs: LOGOUT_MS })
        } catch (error) {
          // Who wants to leave leaves, server or not: without its keys the session is worth nothing and ends by itself.
          const { code } = asSecureChatError(error, 'server/internal')
          if (code === 'request/aborted' || code === 'storage/locked') throw error
          logger.info('client.logout-unheard', { code })
        }
        await leave()
      }),
    erase: (options = {}) =>
      departing(async () => {
        const { accountId } = await context.identity.self()
        try {
          await network.call('account.delete', { accountId }, options)
        } catch (error) {
          // The end of the session, which comes with the account's, may be faster than the answer.
          if (!isSecureChatError((error as Error).cause, 'auth/revoked')) throw error
        }
        await leave()
      }),
  }
}
