import { sealProfile } from '@securechat/crypto'
import type { AccountId } from '@securechat/protocol'
import type { Context } from '../context.js'
import { requireAccount } from '../state/account.js'
import type { Transaction } from '../state/database.js'
import { encodeProfile, type OwnProfileRecord, readOwnProfile, writeOwnProfile } from '../state/profile.js'
import { shareSoon } from '../sync/due.js'
import { OWN_PROFILE, ownProfile } from '../sync/kinds/profile.js'

/** With the bytes that go to the server, sealed for this version. */
export function sealOwn(
  { provider, random }: Pick<Context, 'provider' | 'random'>,
  accountId: AccountId,
  profile: Omit<OwnProfileRecord, 'sealed'>,
): OwnProfileRecord {
  const { key: profileKey, version, name, avatar } = profile as OwnProfileRecord
  const plaintext = encodeProfile({ name, ...(avatar && { avatar }) })
  return { ...(profile as OwnProfileRecord), sealed: sealProfile({ provider, random }, { profileKey, accountId, version, plaintext }) }
}

/**
 * Somebody who has the key of the profile is not to read what it will say: a revoked device, a blocked contact. A new key in the caller's commit; the profile is sealed and uploaded
 * anew, then accepted contacts are told, and own devices by sync. What it says now was readable to them before.
 */
export async function renewProfileKey(context: Context, tx: Transaction): Promise<void> {
  const own = await readOwnProfile(tx)
  if (!own) return
  const { accountId } = await requireAccount(tx)
  writeOwnProfile(tx, sealOwn(context, accountId, { ...own, key: context.random(32), version: own.version + 1 }))
  await shareSoon(context, tx, { kind: ownProfile.name, keys: [OWN_PROFILE] })
}
