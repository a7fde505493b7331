import {
  type CryptoDeps,
  createAccount,
  decodeDeviceKeys,
  encodeAccountKeys,
  encodeDeviceKeys,
  generatePreKeys,
  type LocalDevice,
  localDevice,
  verifyManifest,
} from '@securechat/crypto'
import type { LogStore } from './store.js'
import { encodeFields, utf8 } from './wire.js'

const ONE_TIME_KEYS = 20

/**
 * This device: made at the first start, and from then on read back. Everything is committed BEFORE anything is published: a manifest whose keys were
 * lost would lock the account out. A real application also renews the manifest at half of its 30 days, replaces the signed and the last-resort prekey
 * every week and refills the one-time keys; see the README of `@securechat/crypto`.
 */
export async function openIdentity(store: LogStore, deps: CryptoDeps): Promise<LocalDevice> {
  const [manifest, deviceKeys] = [store.get('manifest'), store.get('keys/device')]
  if (manifest && deviceKeys) {
    const verified = verifyManifest(deps.provider, manifest)
    return localDevice(verified, verified.devices[0]!.deviceId, decodeDeviceKeys(deviceKeys))
  }
  const account = createAccount(deps)
  const preKeys = generatePreKeys(deps, { ...account.local, firstKeyId: 1, count: ONE_TIME_KEYS })
  const all = [preKeys.signed, preKeys.lastResort, ...preKeys.oneTime]
  await store.commit(
    new Map([
      ['keys/account', encodeAccountKeys(account.accountKeys)],
      ['keys/device', encodeDeviceKeys(account.deviceKeys)],
      ['manifest', account.manifest.bytes],
      ...all.map((key): [string, Uint8Array] => [`prekey/${key.keyId}`, key.private]),
      // Ids are never used twice, not even those of keys that are long gone.
      ['prekey-next', utf8(String(preKeys.nextKeyId))],
      ['unpublished', encodeFields([account.manifest.bytes, ...all.map((key) => key.public)])],
    ]),
  )
  return account.local
}
