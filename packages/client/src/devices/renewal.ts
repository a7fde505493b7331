import { type AccountKeys, createManifest, decodeManifest, type Manifest, type ManifestDevice } from '@securechat/crypto'
import { equalPublicBytes, isSecureChatError, LIMITS, SecureChatError } from '@securechat/protocol'
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

/**
 * Uploads the next manifest that was signed and committed, if there is one, and forgets it once the list that is believed has come to its version: itself, or another one that took
 * its place and was judged. A server that keeps it back gets the same bytes again, never another manifest of that version. Throws `devices/manifest-rollback` then.
 */
export async function publishPending(context: Context, manifests: Manifests): Promise<void> {
  const { db, network, provider } = context
  const { accountId } = await context.identity.self()
  const pending = await readPendingManifest(db)
  if (!pending) return
  try {
    await network.connection.call('devices.updateManifest', { manifest: pending })
  } catch (error) {
    // Another manifest took its place: fetched below, and judged.
    if (!isSecureChatError(error, 'request/conflict')) throw error
  }
  const { version } = decodeManifest(provider, pending)
  const isShown = async (): Promise<boolean> => (await manifests.refresh(accountId)).pin.manifest.version >= version
  // The first may have shared a fetch that had begun before.
  if (!(await isShown()) && !(await isShown())) {
    const error = new SecureChatError('devices/manifest-rollback', { detail: 'the own new list' })
    manifests.alert(accountId, error)
    throw error
  }
  await db.run(async (tx) => {
    const current = await readPendingManifest(tx)
    // Published twice at once: meanwhile the next one may have been signed.
    if (current && equalPublicBytes(current, pending)) tx.delete(KEYS.pendingManifest)
  })
}
