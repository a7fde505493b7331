import { type AccountKeys, createManifest, type Manifest, type ManifestDevice } from '@securechat/crypto'
import { isSecureChatError, LIMITS } from '@securechat/protocol'
import type { Context } from '../context.js'
import { readPendingManifest, writePendingManifest } from '../state/account.js'
import type { Transaction } from '../state/database.js'
import { KEYS } from '../state/keys.js'
import type { Manifests } from './manifests.js'
import { signer } from './signer.js'

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
