import { type AccountKeys, createManifest, type Manifest, type ManifestDevice, type ManifestPin } from '@securechat/crypto'
import { isSecureChatError, LIMITS } from '@securechat/protocol'
import type { Context } from '../context.js'
import { readAccountKeys, readPendingManifest, writePendingManifest } from '../state/account.js'
import type { Reader, Transaction } from '../state/database.js'
import { KEYS } from '../state/keys.js'
import { readPins } from '../state/pins.js'
import type { Manifests } from './manifests.js'
import { primaryOf } from './own-list.js'

const DAY = 86_400_000

export interface NextManifest {
  readonly keys: AccountKeys
  readonly current: Manifest
  readonly devices: readonly ManifestDevice[]
  /** Named from now on, where `current` names none. */
  readonly recoveryKey?: Uint8Array
}

/** Signs the manifest after `current` and keeps it in the caller's commit, before anybody else sees it: two of one version would be a fork. */
export function signNext(
  { provider, clock }: Context,
  tx: Transaction,
  { keys, current, devices, recoveryKey = current.recoveryKey }: NextManifest,
): Uint8Array {
  const now = clock.now()
  const { bytes } = createManifest(
    { provider },
    {
      accountId: current.accountId,
      accountKey: keys,
      version: current.version + 1,
      prevHash: current.hash,
      notBefore: now,
      notAfter: now + LIMITS.manifestDays * DAY,
      devices,
      ...(recoveryKey.length > 0 && { recoveryKey }),
    },
  )
  writePendingManifest(tx, bytes)
  return bytes
}

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

/**
 * The device that holds the account key signs the next manifest when half of the current one's life is over. It is committed before the
 * upload and repeated byte for byte: two signed manifests of one version would be a fork.
 */
export async function renewManifest(context: Context, manifests: Manifests): Promise<void> {
  const { db, clock } = context
  await db.run(async (tx) => {
    const found = await signer(context, tx)
    if (!found || (await readPendingManifest(tx))) return
    const { manifest } = found.pin
    const now = clock.now()
    if (now < manifest.notBefore + (manifest.notAfter - manifest.notBefore) / 2) return
    signNext(context, tx, { keys: found.keys, current: manifest, devices: manifest.devices })
  })
  await publishPending(context, manifests)
}

/** Uploads the next manifest that was signed and committed, if there is one. Another one that took its place is fetched and judged. */
export async function publishPending(context: Context, manifests: Manifests): Promise<void> {
  const { db, network } = context
  const { accountId } = await context.identity.self()
  const pending = await readPendingManifest(db)
  if (!pending) return
  try {
    await network.connection.call('devices.updateManifest', { manifest: pending })
  } catch (error) {
    // Another manifest took its place: fetched below, and judged.
    if (!isSecureChatError(error, 'request/conflict')) throw error
  }
  await manifests.refresh(accountId)
  await db.run(async (tx) => tx.delete(KEYS.pendingManifest))
}
