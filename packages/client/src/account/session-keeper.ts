import { asSecureChatError } from '@securechat/protocol'
import type { Context } from '../context.js'
import { readAccount, readRegistration } from '../state/account.js'
import { backoffMs, sleep } from '../waiting.js'
import type { Registrar } from './registration.js'
import { type Departure, markRevoked } from './sign-out.js'

/**
 * Watches the connection: ends the session here when the server has ended it, and finishes a registration that a crash interrupted. Gives a look at once, for when
 * something else has changed.
 */
export function keepSession(context: Context, { registrar, departure }: { registrar: Registrar; departure: Departure }): () => void {
  const { network, logger, clock, random, db } = context
  const never = new AbortController().signal

  const look = async (): Promise<void> => {
    const { status, error, account } = network.connection.state()
    // Who leaves on purpose is told so, once, at the end of it.
    if (departure.under || departure.elsewhere) return
    // Whatever the reason: this session is refused for good, nothing connects before the person signs in, and both states say so.
    if (status === 'signed-out' && error?.code.startsWith('auth/')) return markRevoked(context)
    if (status !== 'online' || account) return
    if ((await readAccount(db))?.status === 'signed-in' || !(await readRegistration(db))) return
    if (await registrar.complete()) network.connection.reauthenticate()
  }
  /** Until it is settled; what the network prevents is tried again while the connection stands, else the next connection looks. */
  const settle = async (): Promise<void> => {
    for (let failures = 1; ; failures++) {
      try {
        return await look()
      } catch (error) {
        const typed = asSecureChatError(error, 'server/internal')
        logger.warn('client.registration-failed', { code: typed.code })
        // A token that has expired needs the person: signing in again goes on with the same keys.
        if (typed.retry !== 'later') return
        await sleep(clock, backoffMs(failures, { random, retryAfterSeconds: typed.retryAfterSeconds }), never)
        if (network.connection.state().status !== 'online') return
      }
    }
  }
  let busy = false
  let again = false
  const attend = async (): Promise<void> => {
    again = true
    if (busy) return
    busy = true
    while (again) {
      again = false
      await settle()
    }
    busy = false
  }
  network.connection.subscribe(() => void attend())
  return () => void attend()
}
