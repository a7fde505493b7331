import { believedDevices, type CryptoProvider, type LocalDevice, localDevice, type RemoteDevice, remoteDevice } from '@securechat/crypto'
import { type AccountId, SecureChatError, type Timestamp } from '@securechat/protocol'
import type { Self } from '../context.js'
import type { Reader } from '../state/database.js'
import { type Pins, readPins } from '../state/pins.js'

export interface Audience {
  readonly local: LocalDevice
  /** Devices of the peer, then the own other devices. */
  readonly remotes: readonly RemoteDevice[]
  /** When the peer's list runs out. */
  readonly expiresAt: Timestamp
}

/** This device under the account's newest manifest. Throws `auth/not-registered` where it has none. */
export async function resolveLocal(reader: Reader, provider: Pick<CryptoProvider, 'blake2b'>, self: Self): Promise<{ local: LocalDevice; pins: Pins }> {
  const pins = await readPins(reader, provider, self.accountId)
  if (!pins) throw new SecureChatError('auth/not-registered')
  const local = localDevice(pins.pin.manifest, self.deviceId, self.deviceKeys)
  return { local: { ...local, pastManifestHash: (version) => pins.past.find((entry) => entry.version === version)?.hash }, pins }
}

/**
 * Whom a message to `peer` is encrypted to: every believed device of both accounts except this one. undefined: the peer's
 * manifest is not known yet. Throws `devices/identity-changed` while the user has not accepted a changed key.
 */
export async function resolveAudience(
  reader: Reader,
  provider: Pick<CryptoProvider, 'blake2b'>,
  { self, peer }: { readonly self: Self; readonly peer: AccountId },
): Promise<Audience | undefined> {
  const { local, pins: own } = await resolveLocal(reader, provider, self)
  const others = believedDevices(own.pin)
    .filter(({ deviceId }) => deviceId !== self.deviceId)
    .map(({ deviceId }) => remoteDevice(own.pin.manifest, deviceId))
  if (peer === self.accountId) return { local, remotes: others, expiresAt: own.pin.manifest.notAfter }
  const pins = await readPins(reader, provider, peer)
  if (!pins) return undefined
  if (pins.candidate) throw new SecureChatError('devices/identity-changed')
  const theirs = believedDevices(pins.pin).map(({ deviceId }) => remoteDevice(pins.pin.manifest, deviceId))
  return { local, remotes: [...theirs, ...others], expiresAt: pins.pin.manifest.notAfter }
}
