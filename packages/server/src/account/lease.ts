import { type OperationInput, type OperationOutput, SecureChatError } from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { AccountStore } from '../ports/store.js'

/** Throws `auth/revoked` for a device that is not there. */
export async function renewLease(
  store: AccountStore,
  { accountId, deviceId }: DeviceCaller,
  { held, next }: OperationInput<'devices.renewLease'>,
): Promise<OperationOutput<'devices.renewLease'>> {
  const kept = await store.swapLease(accountId, deviceId, { held: held ?? new Uint8Array(0), next })
  if (kept === undefined) throw new SecureChatError('auth/revoked')
  return { kept }
}
