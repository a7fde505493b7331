import { type AccountId, type DeviceId, idFromBytes, LIMITS } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { acceptDevice } from './device-accept.js'
import { type LocalDevice, localDevice } from './devices.js'
import { type AccountKeys, type DeviceKeys, generateAccountKeys, generateDeviceKeys } from './keys.js'
import { createManifest, DEVICE_FLAGS, type Manifest, verifyManifest } from './manifest.js'

export interface NewAccountInput {
  /** Default: 16 random bytes. Given where a server has assigned one. */
  readonly accountId?: AccountId
  /** Ed25519 key that may sign a succession (docs/protocol/11, "Recovery"); it cannot be added to a lost account later. Default: none. */
  readonly recoveryKey?: Uint8Array
}

export interface NewAccount {
  /** Secret; `encodeAccountKeys`. Signs the manifests to come. */
  readonly accountKeys: AccountKeys
  /** Secret; `encodeDeviceKeys`. */
  readonly deviceKeys: DeviceKeys
  /** Version 1, with this one device, for 30 days; `manifest.bytes` is what others get. Renew it at half its life with `createManifest`. */
  readonly manifest: Manifest
  readonly local: LocalDevice
}

const FIRST_DEVICE = 1 as DeviceId
const NOTHING = new Uint8Array(0)

/**
 * All keys of a new account and its first device, and the manifest that says so: `createManifest` of one device that has accepted. The caller commits both keys
 * and the manifest before it publishes anything.
 */
export function createAccount(deps: CryptoDeps, { accountId = idFromBytes<AccountId>(deps.random(16)), recoveryKey }: NewAccountInput = {}): NewAccount {
  const accountKeys = generateAccountKeys(deps)
  const deviceKeys = generateDeviceKeys(deps)
  const deviceId = FIRST_DEVICE
  const accept = acceptDevice(deps, { accountId, accountKey: accountKeys.publicKey, deviceId, deviceKeys })
  const { now } = deps
  const { bytes } = createManifest(deps, {
    accountId,
    accountKey: accountKeys,
    version: 1,
    prevHash: NOTHING,
    notBefore: now,
    notAfter: now + LIMITS.manifestDays * 86_400_000,
    devices: [
      {
        deviceId,
        signingKey: deviceKeys.signing.publicKey,
        identityKey: deviceKeys.identity.publicKey,
        addedVersion: 1,
        flags: DEVICE_FLAGS.primary,
        accept,
      },
    ],
    ...(recoveryKey && { recoveryKey }),
  })
  const manifest = verifyManifest(deps.provider, bytes)
  return { accountKeys, deviceKeys, manifest, local: localDevice(manifest, deviceId, deviceKeys) }
}
