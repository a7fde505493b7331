import type { AccountKeys, ManifestPin } from '@securechat/crypto'
import type { Context } from '../context.js'
import { readAccountKeys } from '../state/account.js'
import type { Reader } from '../state/database.js'
import { readPins } from '../state/pins.js'
import { primaryOf } from './own-list.js'

export interface Signer {
  readonly keys: AccountKeys
  readonly pin: ManifestPin
}

/**
 * This device, if it may sign the next manifest: it holds the account key AND the newest list that it knows flags it. While the key changes hands two devices hold it, and one is
 * flagged.
 */
export async function signer({ provider, identity }: Context, reader: Reader): Promise<Signer | undefined> {
  const { accountId, deviceId } = await identity.self()
  const [keys, pins] = [await readAccountKeys(reader), await readPins(reader, provider, accountId)]
  return keys && pins && primaryOf(pins.pin.manifest) === deviceId ? { keys, pin: pins.pin } : undefined
}
