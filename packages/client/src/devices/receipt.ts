import type { Context } from '../context.js'
import { readPendingManifest } from '../state/account.js'
import { KEYS } from '../state/keys.js'
import { readPromotion } from '../state/promotion.js'
import type { Manifests } from './manifests.js'
import { publishPending, signNext } from './renewal.js'
import { signer } from './signer.js'

/** The new primary device signs a manifest at once: by it the old one sees that the key has arrived. Repeated until it is signed and published. */
export async function showAccountKey(context: Context, manifests: Manifests): Promise<void> {
  const signed = await context.db.run(async (tx) => {
    if ((await readPromotion(tx))?.taken === undefined) return false
    const found = await signer(context, tx)
    if (!found || (await readPendingManifest(tx))) return false
    const { manifest: current } = found.pin
    signNext(context, tx, { keys: found.keys, current, devices: current.devices })
    tx.delete(KEYS.promotion)
    return true
  })
  if (signed) await publishPending(context, manifests)
}
