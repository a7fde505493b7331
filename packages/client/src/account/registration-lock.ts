import { passphraseKey } from '@securechat/crypto/passphrase'
import { LABELS, LIMITS, type OperationOutput, SecureChatError, T, u8 } from '@securechat/protocol'
import type { Context } from '../context.js'
import { signer } from '../devices/signer.js'
import type { CallOptions } from '../types.js'

type Lock = NonNullable<OperationOutput<'auth.confirmCode'>['lock']>

const FORMAT = 1
const SALT = 16

/** What the server gets in place of the PIN (docs/protocol/13-linking.md, "Registration lock"). The costs are fixed: a server cannot ask for cheaper ones. */
async function lockKey({ provider }: Pick<Context, 'provider'>, pin: string, salt: Uint8Array): Promise<Uint8Array> {
  return provider.blake2b(32, T(LABELS.registrationLock, u8(FORMAT), salt), await passphraseKey(pin, salt))
}

export async function setRegistrationLock(context: Context, pin: string | null, { signal }: CallOptions = {}): Promise<void> {
  const { db, network, random } = context
  if (!(await signer(context, db))) throw new SecureChatError('devices/not-primary')
  const options = { ...(signal && { signal }) }
  if (pin === null) {
    await network.call('account.setRegistrationLock', { lock: null }, options)
    return
  }
  if (typeof pin !== 'string' || pin.length < LIMITS.pinCharactersMin || pin.length > LIMITS.pinCharactersMax)
    throw new SecureChatError('client/invalid-argument', { detail: 'PIN: 4 to 64 characters' })
  const salt = random(SALT)
  await network.call('account.setRegistrationLock', { lock: { format: FORMAT, salt, key: await lockKey(context, pin, salt) } }, options)
}

/** Throws `auth/pin-wrong`, `auth/too-many-tries`. */
export async function unlockRegistration(
  context: Context,
  { lock, pin, registrationToken }: { readonly lock: Lock; readonly pin: string; readonly registrationToken: string },
  { signal }: CallOptions,
): Promise<void> {
  if (pin.length === 0) throw new SecureChatError('auth/pin-required')
  const key = await lockKey(context, pin, lock.salt)
  const { unlocked, triesLeft } = await context.network.call('auth.unlockRegistration', { key }, { registrationToken, ...(signal && { signal }) })
  if (!unlocked) throw new SecureChatError('auth/pin-wrong', { triesLeft })
}
