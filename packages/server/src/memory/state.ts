import { type AccountId, type DeviceId, type MailboxRow, SecureChatError, type Timestamp, toBase64Url } from '@securechat/protocol'
import type { StoredLease } from '../ports/lease.js'
import type { StoredLink, StoredLock, StoredManifest, StoredPreKey, StoredProfile } from '../ports/store.js'

/** The tables of the memory store. Methods change them without awaiting in between, which is what makes them atomic. */
export interface MemoryState {
  closed: boolean
  sequence: number
  readonly kept: Map<string, Uint8Array>
  readonly logins: Map<string, Login>
  /** Times of sendings by phone hash. */
  readonly sendings: Map<string, Timestamp[]>
  readonly links: Map<string, StoredLink>
  readonly archives: Map<AccountId, AccountArchive>
  readonly registrations: Map<string, { readonly accountId: AccountId; readonly expiresAt: Timestamp; readonly deviceId?: DeviceId; unlocked?: boolean }>
  readonly accounts: Map<AccountId, Account>
  readonly phones: Map<string, AccountId>
  readonly sessions: Map<string, { readonly accountId: AccountId; readonly deviceId: DeviceId }>
  readonly refreshTokens: Map<string, RefreshToken>
  readonly mailboxes: Map<string, MailboxRow[]>
  /** Time of the send by sender device and send id, in the order of their times. */
  readonly sends: Map<string, Timestamp>
}
export interface Login {
  readonly phoneHash: Uint8Array
  readonly codeMac: Uint8Array
  readonly expiresAt: Timestamp
  tries: number
  redeemed?: { readonly registrationHash: string; readonly graceUntil: Timestamp }
}
export interface AccountArchive {
  /** By `segmentKey`. */
  readonly segments: Map<string, { readonly archiveId: Uint8Array; readonly number: number; readonly bytes: Uint8Array; readonly transfer: boolean }>
  /** When it ends, by the transfer's id as text. */
  readonly transfers: Map<string, Timestamp>
  manifest?: Uint8Array
  manifestVersion: number
}
export interface Account {
  readonly accountId: AccountId
  readonly phone: string
  reservedUntil: Timestamp
  manifests: StoredManifest[]
  nextDeviceId: number
  readonly devices: Map<DeviceId, Device>
  profile?: StoredProfile
  lock?: Lock
}
export interface Lock extends StoredLock {
  tries: number
  /** Of the first of them. */
  triesSince: Timestamp
}
export interface Device {
  lease?: StoredLease
  readonly signingKey: Uint8Array
  signed?: StoredPreKey
  lastResort?: StoredPreKey
  oneTime: StoredPreKey[]
  highestOneTime: number
  seenAt?: Timestamp
}
export interface RefreshToken {
  readonly sessionId: string
  readonly expiresAt: Timestamp
  used?: { readonly successor: string; readonly sealedSuccessor: Uint8Array }
}

export const emptyState = (): MemoryState => ({
  closed: false,
  sequence: 0,
  kept: new Map(),
  logins: new Map(),
  sendings: new Map(),
  links: new Map(),
  archives: new Map(),
  registrations: new Map(),
  accounts: new Map(),
  phones: new Map(),
  sessions: new Map(),
  refreshTokens: new Map(),
  mailboxes: new Map(),
  sends: new Map(),
})

export const keyOf = (hash: Uint8Array): string => toBase64Url(hash)
export const mailboxKey = (accountId: AccountId, deviceId: DeviceId): string => `${accountId}.${deviceId}`

export function requireOpen(state: MemoryState): void {
  if (state.closed) throw new SecureChatError('server/unavailable', { detail: 'store closed' })
}

/** Removes what belongs to a device: sessions with their tokens, queue, prekeys, remembered send ids. */
export function dropDeviceMutable(state: MemoryState, account: Account, deviceId: DeviceId): void {
  account.devices.delete(deviceId)
  const mailbox = mailboxKey(account.accountId, deviceId)
  state.mailboxes.delete(mailbox)
  for (const key of state.sends.keys()) if (key.startsWith(`${mailbox}.`)) state.sends.delete(key)
  for (const [sessionId, session] of state.sessions)
    if (session.accountId === account.accountId && session.deviceId === deviceId) endSessionMutable(state, sessionId)
}

export function endSessionMutable(state: MemoryState, sessionId: string): boolean {
  for (const [key, token] of state.refreshTokens) if (token.sessionId === sessionId) state.refreshTokens.delete(key)
  return state.sessions.delete(sessionId)
}
