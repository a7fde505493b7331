import { decodeSession, encodeSession, type SessionRecord } from '@securechat/crypto'
import { type AccountId, type DeviceId, equalPublicBytes } from '@securechat/protocol'
import type { Reader, Transaction } from './database.js'
import { keyOf, prefixOf } from './keys.js'

interface Device {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
}

export async function readSession(reader: Reader, { accountId, deviceId }: Device): Promise<SessionRecord | null> {
  const stored = await reader.get(keyOf.session(accountId, deviceId))
  return stored ? decodeSession(stored) : null
}

export const writeSession = (tx: Transaction, { accountId, deviceId }: Device, record: SessionRecord): void =>
  tx.put(keyOf.session(accountId, deviceId), encodeSession(record))

/** Deletes the sessions with every identity of the account but `kept`. */
export async function deleteSessions(tx: Transaction, accountId: AccountId, kept: Uint8Array): Promise<void> {
  for (const { key, value } of await tx.list(prefixOf.sessions(accountId))) if (!equalPublicBytes(decodeSession(value).peer.accountKey, kept)) tx.delete(key)
}
