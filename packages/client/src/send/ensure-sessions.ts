import { needsBundle, type PreKeyBundle, type RemoteDevice, type SessionRecord } from '@securechat/crypto'
import { type AccountId, type DeviceId, equalPublicBytes, type Timestamp } from '@securechat/protocol'
import type { Call } from '@securechat/transport'
import type { Reader } from '../state/database.js'
import type { Renewal } from '../state/healing.js'
import { readSession } from '../state/sessions.js'

export const deviceName = ({ accountId, deviceId }: { readonly accountId: AccountId; readonly deviceId: DeviceId }): string => `${accountId}/${deviceId}`
export type Bundles = ReadonlyMap<string, PreKeyBundle>

/** A record of another account key belongs to an identity that is gone. */
export const recordOf = (record: SessionRecord | null, remote: RemoteDevice): SessionRecord | null =>
  record && equalPublicBytes(record.peer.accountKey, remote.accountKey) ? record : null

/** The device has asked for a new session, and none has been made since. */
export const isRenewalDue = (renewals: readonly Renewal[], remote: RemoteDevice, record: SessionRecord | null): boolean =>
  renewals.some(({ accountId, deviceId, above }) => accountId === remote.accountId && deviceId === remote.deviceId && (record?.nextGeneration ?? 0) <= above)

/** The devices to which no message can be sent without a bundle. */
export async function devicesWithoutSession(
  reader: Reader,
  remotes: readonly RemoteDevice[],
  { now, renewals }: { now: Timestamp; renewals: readonly Renewal[] },
): Promise<RemoteDevice[]> {
  const missing: RemoteDevice[] = []
  for (const remote of remotes) {
    const record = recordOf(await readSession(reader, remote), remote)
    if (needsBundle(record, { now }) || isRenewalDue(renewals, remote, record)) missing.push(remote)
  }
  return missing
}

/** One call for each account, all its devices in it. Devices without prekeys are absent in the result. */
export async function fetchBundles(call: Call, remotes: readonly RemoteDevice[]): Promise<Map<string, PreKeyBundle>> {
  const byAccount = new Map<AccountId, DeviceId[]>()
  for (const { accountId, deviceId } of remotes) byAccount.set(accountId, [...(byAccount.get(accountId) ?? []), deviceId])
  const found = new Map<string, PreKeyBundle>()
  for (const [accountId, deviceIds] of byAccount) {
    const { bundles } = await call('prekeys.fetch', { accountId, deviceIds })
    for (const { deviceId, signed, lastResort, oneTime } of bundles)
      found.set(deviceName({ accountId, deviceId }), { signed, lastResort, ...(oneTime && { oneTime }) })
  }
  return found
}
