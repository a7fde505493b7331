import { isPhoneNumber, SecureChatError } from '@securechat/protocol'
import type { Context } from '../context.js'
import { readAccount } from '../state/account.js'
import type { AccountState, CallOptions, Login } from '../types.js'
import { type Confirmed, prepareRegistration, type Registrar } from './registration.js'

export interface LoginDeps {
  readonly context: Context
  readonly registrar: Registrar
  readonly state: () => Promise<AccountState>
}

/** Asks for a one-time code. Throws `auth/already-registered` while signed in. */
export async function requestCode({ context, registrar, state }: LoginDeps, { phone }: { phone: string }, options: CallOptions = {}): Promise<Login> {
  const { network, db } = context
  if (!isPhoneNumber(phone)) throw new SecureChatError('client/invalid-argument', { detail: 'phone number: E.164' })
  if ((await readAccount(db))?.status === 'signed-in') throw new SecureChatError('auth/already-registered')
  // A connection that was refused for good tries again, now without a login.
  await network.open(options.signal)
  if (network.refused) network.connection.reauthenticate()
  const { loginId, codeDigits, expiresAt, resendAt } = await network.call('auth.requestCode', { phone }, options)
  let confirmed: Confirmed | undefined
  let unlocked = false
  return {
    phone,
    codeDigits,
    expiresAt,
    resendAt,
    async confirm({ code, replaceKeys = false, recoveryWords, pin, ...input }, confirmOptions = {}) {
      if (!/^\d{4,10}$/.test(code)) throw new SecureChatError('auth/code-wrong')
      const recoveryKey = recoveryWords === undefined ? input.recoveryKey : (await import('../backups/work.js')).keysOf(context, recoveryWords).signing
      // A code is exchanged once; the second call, with `replaceKeys`, goes on from there.
      confirmed ??= await network.call('auth.confirmCode', { loginId, code }, confirmOptions)
      const { lock, registrationToken } = confirmed
      if (lock && !unlocked && !recoveryKey) {
        if (pin === undefined) throw new SecureChatError('auth/pin-required')
        const { unlockRegistration } = await import('./registration-lock.js')
        await unlockRegistration(context, { lock, pin, registrationToken }, confirmOptions)
        unlocked = true
      }
      await prepareRegistration(context, { phone, confirmed, replaceKeys, ...(recoveryKey && { recoveryKey }) })
      await registrar.complete(confirmOptions.signal)
      network.connection.reauthenticate()
      return state()
    },
  }
}
