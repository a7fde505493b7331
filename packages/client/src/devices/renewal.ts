import { createManifest } from '@securechat/crypto'
import { isSecureChatError, LIMITS } from '@securechat/protocol'
import type { Context } from '../context.js'
import { readAccountKeys, readPendingManifest, writePendingManifest } from '../state/account.js'
import { KEYS } from '../state/keys.js'
import { readPins } from '../state/pins.js'
import type { Manifests } from './manifests.js'

const DAY = 86_400_000

/**
 * The device that holds the account key signs the next manifest when half of the current one's life is over. It is committed before the
 * upload and repeated byte for byte: two signed manifests of one version would be a fork.
 */
export async function renewManifest(context: Context, manifests: Manifests): Promise<void> {
  const { db, provider, clock, network } = context
  const { accountId } = await context.identity.self()
  await db.run(async (tx) => {
    const keys = await readAccountKeys(tx)
    const own = await readPins(tx, provider, accountId)
    if (!keys || !own || (await readPendingManifest(tx))) return
    const { manifest } = own.pin
    const now = clock.now()
    if (now < manifest.notBefore + (manifest.notAfter - manifest.notBefore) / 2) return
    const { bytes } = createManifest(
      { provider },
      {
        accountId,
        accountKey: keys,
        version: manifest.version + 1,
        prevHash: manifest.hash,
        notBefore: now,
        notAfter: now + LIMITS.manifestDays * DAY,
        devices: manifest.devices,
        ...(manifest.recoveryKey.length > 0 && { recoveryKey: manifest.recoveryKey }),
      },
    )
    writePendingManifest(tx, bytes)
  })
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
