import { type AccountId, type DeviceId, SecureChatError } from '@securechat/protocol/core'
import type { DeviceKeys } from './keys.js'
import type { Manifest } from './manifest.js'

export interface ManifestId {
  readonly version: number
  /** 64 bytes. */
  readonly hash: Uint8Array
}

/** This device, as sessions need it. */
export interface LocalDevice {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly deviceKeys: DeviceKeys
  /** The account's public key (AIK). */
  readonly accountKey: Uint8Array
  readonly manifest: ManifestId
  /** Hashes of the account's earlier manifests, where they are kept: a first message may name one of them. */
  readonly pastManifestHash?: (version: number) => Uint8Array | undefined
}

/** A device of a verified manifest. */
export interface RemoteDevice {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly signingKey: Uint8Array
  readonly identityKey: Uint8Array
  readonly accountKey: Uint8Array
  readonly manifest: ManifestId
}

/** `manifest` must be verified. Throws `mailbox/unknown-recipient` where it does not list the device. */
export function remoteDevice(manifest: Manifest, deviceId: DeviceId): RemoteDevice {
  const device = manifest.devices.find((entry) => entry.deviceId === deviceId)
  if (!device) throw new SecureChatError('mailbox/unknown-recipient', { detail: 'device not in the manifest' })
  const { accountId, accountKey, version, hash } = manifest
  return { accountId, deviceId, signingKey: device.signingKey, identityKey: device.identityKey, accountKey, manifest: { version, hash } }
}

/** This device under its account's own verified manifest. */
export function localDevice(manifest: Manifest, deviceId: DeviceId, deviceKeys: DeviceKeys): LocalDevice {
  const { accountId, accountKey, version, hash } = manifest
  return { accountId, deviceId, deviceKeys, accountKey, manifest: { version, hash } }
}
