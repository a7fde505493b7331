import { decodeManifest } from '@securechat/crypto'
import type { DeviceId } from '@securechat/protocol'
import type { Context } from '../context.js'
import { readAccountKeys } from '../state/account.js'
import { forgetBackup } from '../state/backup.js'
import type { Transaction } from '../state/database.js'
import { KEYS } from '../state/keys.js'
import { readPromotion, writePromotion } from '../state/promotion.js'
import { type OwnChange, primaryOf } from './own-list.js'

/**
 * In the commit that believes a newer own list: a device that has the account key and is not flagged any more keeps it until the flagged one has signed a manifest, which shows
 * that it has the key; then it erases its own copy, and what opens the backup (docs/protocol/13-linking.md, "Promotion").
 */
export async function settleAccountKey(
  { provider }: Context,
  tx: Transaction,
  { before, chain, self }: Pick<OwnChange, 'before' | 'chain' | 'self'>,
): Promise<void> {
  if (!(await readAccountKeys(tx))) return
  const { given, taken } = (await readPromotion(tx)) ?? {}
  const newer = chain.map((bytes) => decodeManifest(provider, bytes)).filter(({ version }) => version > before.manifest.version)
  const newest = newer.at(-1)
  if (!newest) return
  if (primaryOf(newest) === self) {
    if (given !== undefined) tx.delete(KEYS.promotion)
    return
  }
  const moved = given ?? taken ?? firstOfAnother(newer, self) ?? newest.version
  if (newest.version <= moved) return writePromotion(tx, { given: moved })
  tx.delete(KEYS.accountKeys)
  tx.delete(KEYS.pendingManifest)
  tx.delete(KEYS.promotion)
  await forgetBackup(tx)
}

/** Of the manifests at the end that flag another device, the first. */
function firstOfAnother(manifests: readonly ReturnType<typeof decodeManifest>[], self: DeviceId): number | undefined {
  const last = manifests.findLastIndex((manifest) => primaryOf(manifest) === self)
  return manifests[last + 1]?.version
}
