import { type AccountId, type DeviceId, equalPublicBytes, LIMITS, SecureChatError } from '@securechat/protocol/core'
import type { GroupView } from './view.js'

/** A message of a state that has not come yet; the sender is the one that the server named. */
export interface ParkedMessage {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly epoch: number
  readonly message: Uint8Array
}

/**
 * In order of arrival; the same bytes once. Throws `crypto/limit-exceeded` above `LIMITS.parkedGroupMessages`, or `LIMITS.parkedOfDevice` of one device: then the message stays in the mailbox,
 * unacknowledged, and none that is parked is lost for it.
 */
export function parkMessage(parked: readonly ParkedMessage[], entry: ParkedMessage): readonly ParkedMessage[] {
  if (parked.some(({ message }) => equalPublicBytes(message, entry.message))) return parked
  const ofDevice = parked.filter(({ accountId, deviceId }) => accountId === entry.accountId && deviceId === entry.deviceId)
  if (parked.length >= LIMITS.parkedGroupMessages || ofDevice.length >= LIMITS.parkedOfDevice)
    throw new SecureChatError('crypto/limit-exceeded', { detail: 'parked group messages' })
  return [...parked, { ...entry, message: entry.message.slice() }]
}

/**
 * What an applied operation has made readable, in order of arrival, and what still waits. What has become readable of an account that is no member is in
 * neither: it can be acknowledged and dropped.
 */
export function unparkMessages(parked: readonly ParkedMessage[], view: GroupView): { ready: readonly ParkedMessage[]; waiting: readonly ParkedMessage[] } {
  const waiting = parked.filter(({ epoch }) => epoch > view.epoch)
  return { ready: parked.filter(({ epoch, accountId }) => epoch <= view.epoch && view.isMember(accountId)), waiting }
}
