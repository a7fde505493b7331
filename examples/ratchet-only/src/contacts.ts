import { type PreKeyBundle, type RemoteDevice, remoteDevice, verifyManifest } from '@securechat/crypto'
import { equalPublicBytes, SecureChatError } from '@securechat/protocol'
import type { Batch } from './batch.js'
import type { Device } from './device.js'
import { textOf, utf8 } from './wire.js'

const deviceOf = ({ deps }: Device, bytes: Uint8Array): RemoteDevice => {
  const manifest = verifyManifest(deps.provider, bytes)
  return remoteDevice(manifest, manifest.devices[0]!.deviceId)
}

/**
 * The first manifest that the relay shows for a name is believed and kept: trust on first use, which two people check by comparing their safety number.
 * Any other one later is refused. An application whose accounts have several devices judges newer versions with `verifyManifestChain` instead.
 */
function pinned(who: Device, batch: Batch, { name, manifest }: { readonly name: string; readonly manifest: Uint8Array | undefined }): RemoteDevice {
  const known = batch.get(`contact/${name}`)
  if (known && manifest && !equalPublicBytes(known, manifest)) throw new SecureChatError('devices/identity-changed', { detail: 'another manifest' })
  const bytes = known ?? manifest
  if (!bytes) throw new SecureChatError('mailbox/unknown-recipient')
  const device = deviceOf(who, bytes)
  if (!known) {
    batch.set(`contact/${name}`, bytes)
    batch.set(`account/${device.accountId}`, utf8(name))
  }
  return device
}

export async function contact(who: Device, batch: Batch, name: string): Promise<RemoteDevice> {
  const manifest = batch.get(`contact/${name}`) ?? (await who.link.call('manifest', utf8(name)))[0]
  return pinned(who, batch, { name, manifest })
}

/** For a first message. The relay gives one one-time key to each who asks, or none. */
export async function bundleOf(who: Device, batch: Batch, name: string): Promise<PreKeyBundle> {
  const [manifest, signed, lastResort, oneTime] = await who.link.call('fetch', utf8(name))
  pinned(who, batch, { name, manifest })
  if (!signed || !lastResort) throw new SecureChatError('mailbox/unknown-recipient')
  return { signed, lastResort, ...(oneTime && { oneTime }) }
}

/** Undefined for an account that this device has never met. */
export function nameOf(batch: Batch, accountId: string): string | undefined {
  const name = batch.get(`account/${accountId}`)
  return name && textOf(name)
}
