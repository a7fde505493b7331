import { type AccountId, type DeviceId, LIMITS, type OperationInput, type OperationOutput, SecureChatError } from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { RateLimits } from '../config.js'
import type { Bus } from '../ports/bus.js'
import type { RateLimiter } from '../ports/rate-limiter.js'
import type { AccountStore, PreKeyStore, PreKeyUpload, StoredPreKey } from '../ports/store.js'
import type { VerifiedPreKey, Verifier } from '../ports/verifier.js'

interface Owner {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly signingKey: Uint8Array
}

/** Every key is signed by the device itself and is of the kind that its place says. Throws `prekeys/invalid-bundle`. */
export function checkUpload(verifier: Verifier, upload: OperationInput<'prekeys.publish'>, owner: Owner): PreKeyUpload {
  const check = (bytes: Uint8Array, type: VerifiedPreKey['type']): StoredPreKey => {
    const key = verifier.verifyPreKey(bytes, owner)
    if (key.type !== type) throw new SecureChatError('prekeys/invalid-bundle', { detail: 'prekey type' })
    return { keyId: key.keyId, bytes }
  }
  const oneTime = (upload.oneTime ?? []).map((bytes) => check(bytes, 'one-time'))
  if (new Set(oneTime.map(({ keyId }) => keyId)).size !== oneTime.length) throw new SecureChatError('prekeys/invalid-bundle', { detail: 'key id twice' })
  return {
    ...(upload.signed && { signed: check(upload.signed, 'signed') }),
    ...(upload.lastResort && { lastResort: check(upload.lastResort, 'last-resort') }),
    oneTime,
    limit: LIMITS.oneTimePreKeys,
  }
}

export interface PreKeyDeps {
  readonly store: PreKeyStore & AccountStore
  readonly bus: Bus
  readonly verifier: Verifier
  readonly limiter: RateLimiter
  readonly limits: RateLimits
}

export interface PreKeyService {
  publish(input: OperationInput<'prekeys.publish'>, caller: DeviceCaller): Promise<OperationOutput<'prekeys.publish'>>
  count(caller: DeviceCaller): Promise<OperationOutput<'prekeys.count'>>
  fetch(input: OperationInput<'prekeys.fetch'>, caller: DeviceCaller): Promise<OperationOutput<'prekeys.fetch'>>
  /** Tells a device that signs in when it is low on one-time keys, since earlier events may have been lost. */
  remind(caller: DeviceCaller): Promise<void>
}

export function createPreKeyService({ store, bus, verifier, limiter, limits }: PreKeyDeps): PreKeyService {
  const revoked = (): never => {
    throw new SecureChatError('auth/revoked')
  }
  const low = (accountId: AccountId, deviceId: DeviceId, oneTime: number): void => {
    if (oneTime < LIMITS.oneTimePreKeysLow) bus.publish({ type: 'event', accountId, deviceId, event: { type: 'prekeys-low', oneTime } })
  }
  return {
    async publish(input, { accountId, deviceId }) {
      const device = (await store.device(accountId, deviceId)) ?? revoked()
      const count = (await store.publishPreKeys(accountId, deviceId, checkUpload(verifier, input, { accountId, ...device }))) ?? revoked()
      return { oneTime: count.oneTime }
    },

    async count({ accountId, deviceId }) {
      return { ...((await store.preKeyCount(accountId, deviceId)) ?? revoked()) }
    },

    async fetch({ accountId, deviceIds }, caller) {
      const wait = await limiter.take(`claim:${caller.accountId}:${accountId}`, limits.preKeyClaim)
      const claimed = await store.claimPreKeys({ accountId, deviceIds, oneTime: wait === 0 })
      for (const { deviceId, remaining, oneTime } of claimed) if (oneTime) low(accountId, deviceId, remaining)
      return { bundles: claimed.map(({ remaining: _, ...bundle }) => bundle) }
    },

    async remind({ accountId, deviceId }) {
      const count = await store.preKeyCount(accountId, deviceId)
      if (count) low(accountId, deviceId, count.oneTime)
    },
  }
}
