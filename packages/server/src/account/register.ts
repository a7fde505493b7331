import { type Clock, equalPublicBytes, type OperationInput, type OperationOutput, SecureChatError } from '@securechat/protocol'
import type { Hashes } from '../auth/secrets.js'
import type { SessionService } from '../auth/sessions.js'
import type { Bus } from '../ports/bus.js'
import type { AccountStore, RegistrationState } from '../ports/store.js'
import type { VerifiedManifest, Verifier } from '../ports/verifier.js'
import { checkUpload } from './prekeys.js'
import { dayOf } from './presence.js'
import { lockedSince } from './registration-lock.js'

export interface RegisterDeps {
  readonly store: AccountStore
  readonly bus: Bus
  readonly verifier: Verifier
  readonly hashes: Hashes
  readonly sessions: SessionService
  readonly clock: Clock
}

const invalid = (detail: string): never => {
  throw new SecureChatError('devices/invalid-manifest', { detail })
}

/**
 * Device of a registering client. It is alone in its manifest: other devices come by linking, with a manifest of a
 * device that is there already. Its id is new, unless it is the same device with the same key that signs in again.
 */
function registeringDevice(
  verifier: Verifier,
  manifest: VerifiedManifest,
  { account, deviceId }: { readonly account: RegistrationState; readonly deviceId: number },
) {
  const device = manifest.devices.find((listed) => listed.deviceId === deviceId) ?? invalid('device is not listed')
  const same = account.manifestHash !== undefined && equalPublicBytes(account.manifestHash, manifest.hash)
  if (same) return device
  // An invited device joins a list; it never makes one.
  if (account.deviceId !== undefined) throw new SecureChatError('request/conflict', { detail: 'manifest' })
  if (manifest.devices.length !== 1) invalid('more than the registering device')
  const known = account.manifest && verifier.verifyManifest(account.manifest).devices.find((listed) => listed.deviceId === deviceId)
  const kept = known !== undefined && equalPublicBytes(known.signingKey, device.signingKey)
  if (!kept && deviceId < account.nextDeviceId) invalid('device id was used before')
  return device
}

/** The words are worth more than the PIN: who has them goes on without it, at once and again when the answer was lost. */
const recovers = (
  verifier: Verifier,
  { manifest, nextDeviceId }: RegistrationState & { readonly manifest: Uint8Array },
  { next, now }: { readonly next: Uint8Array; readonly now: number },
): boolean => verifier.isSucceeded({ current: manifest, highestDeviceId: nextDeviceId - 1, next, now })

/** Verifies what a new device brings, then stores all of it in one step. */
export function createRegister({ store, bus, verifier, hashes, sessions, clock }: RegisterDeps) {
  return async (input: OperationInput<'account.register'>, registrationToken: string | undefined): Promise<OperationOutput<'account.register'>> => {
    if (registrationToken === undefined) throw new SecureChatError('auth/required', { detail: 'registration token' })
    const now = clock.now()
    const registrationHash = hashes.token(registrationToken)
    const account = await store.findRegistration(registrationHash, now)
    if (!account) throw new SecureChatError('auth/code-expired', { detail: 'registration token' })
    if (account.deviceId !== undefined && account.deviceId !== input.deviceId) throw new SecureChatError('auth/code-expired', { detail: 'registration token' })
    const manifest = verifier.verifyManifest(input.manifest)
    if (manifest.accountId !== account.accountId) invalid('account')
    const { deviceId, signingKey } = registeringDevice(verifier, manifest, { account, deviceId: input.deviceId })
    const preKeys = checkUpload(verifier, input.preKeys, { accountId: account.accountId, deviceId, signingKey })
    if (!preKeys.signed || !preKeys.lastResort) throw new SecureChatError('request/invalid', { detail: 'preKeys' })
    const session = sessions.prepare()
    const outcome = await store.register({
      registrationHash,
      accountId: account.accountId,
      deviceId,
      manifest,
      preKeys,
      replaceKeys: input.replaceKeys === true,
      session: session.stored,
      now,
      seenAt: dayOf(now),
      lockedSince: lockedSince(now),
      recovered: account.manifest !== undefined && recovers(verifier, { ...account, manifest: account.manifest }, { next: input.manifest, now }),
    })
    if (outcome.kind === 'locked') throw new SecureChatError('auth/pin-required')
    if (outcome.kind === 'expired') throw new SecureChatError('auth/code-expired', { detail: 'registration token' })
    if (outcome.kind === 'exists') throw new SecureChatError('auth/account-exists')
    if (outcome.kind === 'conflict') throw new SecureChatError('request/conflict', { detail: 'manifest' })
    for (const revoked of outcome.revokedDeviceIds) bus.publish({ type: 'revoked', accountId: account.accountId, deviceId: revoked })
    const { sessionId } = session.stored
    return {
      accountId: account.accountId,
      deviceId,
      tokens: await sessions.tokens({ sessionId, accountId: account.accountId, deviceId, signingKey }, session.refreshToken),
    }
  }
}
