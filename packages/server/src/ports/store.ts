import type { AccountId, DeviceId, MailboxRow, MessageId, SendRecipient, Timestamp } from '@securechat/protocol'
import type { LeaseSwap } from './lease.js'

/**
 * What the server keeps, as domain operations. Every method is ATOMIC and, when it resolves, DURABLE: it happened wholly
 * and survives a power cut, or it happened not at all. Absence and conflict are answers; a store that cannot
 * answer rejects with `server/unavailable` (or `storage/full`), and then nothing was changed; where a connection breaks during the commit of a store
 * behind a network that cannot be known, and asking again with the same ids tells.
 *
 * The suite in `@securechat/server/conformance` is the definition; an adapter passes all of it. Byte arrays that are passed in may
 * be reused by the caller after the promise has settled; those handed out belong to the caller.
 */
export interface ServerStore extends LoginStore, LinkStore, ArchiveStore, AccountStore, SessionStore, PreKeyStore, MailboxStore {
  /** Keeps `value` under `name` unless there is one already, and answers what is kept. For secrets of servers that were given none. */
  keepOnce(name: string, value: Uint8Array): Promise<Uint8Array>
  /** Resolves when the store can be read and written; rejects with what is wrong. */
  check(): Promise<void>
  /** Deletes what has expired by `now`, at most `limit` rows of each kind, and answers how many rows went: call again while it is not 0. */
  sweep(expiry: { readonly now: Timestamp; readonly mailboxBefore: Timestamp; readonly limit: number }): Promise<number>
  /** Finishes what was begun, then every further call rejects with `server/unavailable`. Again: no effect. */
  close(): Promise<void>
}

/** One-time codes and the registration tokens they are exchanged for. */
export interface LoginStore {
  /**
   * Charges one sending to the number and keeps the code. `decide` gets the times of this number's sendings of the last 24
   * hours, oldest first, and answers `null` to allow another or the time from which one is allowed; it runs inside the transaction.
   */
  openLogin(
    login: NewLogin,
    decide: (sent: readonly Timestamp[]) => Timestamp | null,
  ): Promise<{ readonly opened: true } | { readonly opened: false; readonly retryAt: Timestamp }>
  /**
   * Takes one of `maxTries` tries BEFORE anybody compares codes, so that parallel guesses cannot have more of them. A code
   * that was redeemed can be tried again only until `graceUntil` (see `redeemLogin`).
   */
  tryCode(attempt: { readonly loginId: string; readonly now: Timestamp; readonly maxTries: number }): Promise<CodeTry>
  /**
   * Exchanges the login for a registration token, after the code was right. One exchange per login; repeated with the same
   * `registrationHash` until `graceUntil` of the first it answers the same again, later or with another it answers `undefined`.
   * A number without an account gets `newAccountId`, reserved for it until the registration expires.
   */
  redeemLogin(redemption: Redemption): Promise<AccountState | undefined>
}

/** Meeting places of two devices while one links the other. They live for minutes; what lies there is sealed or signed by the devices. */
export interface LinkStore {
  /** False: there is one of this id with another key. The same again: no effect, and the time it ends stays. */
  openLink(link: { readonly linkId: string; readonly kemKey: Uint8Array; readonly now: Timestamp; readonly expiresAt: Timestamp }): Promise<boolean>
  link(linkId: string, now: Timestamp): Promise<StoredLink | undefined>
  /** Each part once: the same bytes again are `stored`, others a conflict. */
  putLinkPart(part: {
    readonly linkId: string
    readonly part: LinkPart
    readonly bytes: Uint8Array
    readonly now: Timestamp
  }): Promise<'stored' | 'conflict' | 'absent'>
}
export type LinkPart = 'answer' | 'confirmation' | 'manifest' | 'handover'
export type StoredLink = { readonly kemKey: Uint8Array; readonly expiresAt: Timestamp } & { readonly [Part in LinkPart]?: Uint8Array }

/** A segment of an archive: 16 bytes of the backup or transfer that it belongs to, and its number in it. */
export interface SegmentName {
  readonly archiveId: Uint8Array
  /** 1 to 2^32 − 1. */
  readonly number: number
}

/**
 * Sealed blobs of an account: its backup, and history on the way between its devices. Whatever is written is immutable and named; only the backup's manifest
 * is replaced, by compare-and-swap, so that no device overwrites silently what another one wrote. All of it goes with the account.
 */
export interface ArchiveStore {
  /**
   * The same bytes again: `stored`; others: `conflict`. `absent`: no such account, or `transfer` is set and there is no such transfer at `now`. `full`: the account would have more than
   * `maxBytes` or `maxSegments`; a repetition is never `full`.
   */
  putSegment(
    segment: SegmentName & {
      readonly accountId: AccountId
      readonly bytes: Uint8Array
      readonly maxBytes: number
      readonly maxSegments: number
      /** Belongs to a transfer, and ends with it. */
      readonly transfer: boolean
      readonly now: Timestamp
    },
  ): Promise<'stored' | 'conflict' | 'full' | 'absent'>
  /** `transfer`: as it was put. */
  segment(name: SegmentName & { readonly accountId: AccountId; readonly transfer: boolean }): Promise<Uint8Array | undefined>
  /** Of the backup, transfers left out: above `after` in the order of archive id and number, at most `limit`. */
  segments(query: {
    readonly accountId: AccountId
    readonly after?: SegmentName
    readonly limit: number
  }): Promise<{ readonly segments: (SegmentName & { readonly length: number })[]; readonly more: boolean }>
  deleteSegments(accountId: AccountId, names: readonly SegmentName[]): Promise<void>
  /** What lies there of the account, transfers included. */
  archiveUsage(accountId: AccountId): Promise<{ readonly bytes: number; readonly segments: number }>
  /** Versions count up from 1, also after an erasure. `expected` 0: there is none. The stored bytes again: `repeated`, whatever is expected. */
  putBackupManifest(manifest: { readonly accountId: AccountId; readonly expected: number; readonly bytes: Uint8Array }): Promise<BackupManifestOutcome>
  backupManifest(accountId: AccountId): Promise<{ readonly version: number; readonly bytes: Uint8Array } | undefined>
  /** Manifest and segments; transfers stay. */
  eraseBackup(accountId: AccountId): Promise<void>
  /** Again: the time it ends stays. `full`: the account has `maxTransfers` of them at `now`. */
  openTransfer(transfer: {
    readonly accountId: AccountId
    readonly transferId: Uint8Array
    readonly now: Timestamp
    readonly expiresAt: Timestamp
    readonly maxTransfers: number
  }): Promise<{ readonly kind: 'open'; readonly expiresAt: Timestamp } | { readonly kind: 'absent' } | { readonly kind: 'full' }>
  /** When it ends; `undefined` where there is none (any more). */
  transfer(accountId: AccountId, transferId: Uint8Array, now: Timestamp): Promise<Timestamp | undefined>
  /** With all that lies there. */
  closeTransfer(accountId: AccountId, transferId: Uint8Array): Promise<void>
}
export type BackupManifestOutcome =
  | { readonly kind: 'stored' | 'repeated'; readonly version: number }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'absent' }

export interface NewLogin {
  readonly loginId: string
  readonly phoneHash: Uint8Array
  readonly codeMac: Uint8Array
  readonly now: Timestamp
  readonly expiresAt: Timestamp
}
export type CodeTry =
  | { readonly state: 'absent' | 'expired' | 'exhausted' }
  | { readonly state: 'counted'; readonly codeMac: Uint8Array; readonly phoneHash: Uint8Array; readonly triesLeft: number }
export interface Redemption {
  readonly loginId: string
  readonly now: Timestamp
  readonly graceUntil: Timestamp
  readonly newAccountId: AccountId
  readonly registrationHash: Uint8Array
  readonly registrationExpiresAt: Timestamp
}
export interface AccountState {
  readonly accountId: AccountId
  /** False: the id is reserved, no keys are stored yet. */
  readonly exists: boolean
  readonly manifestVersion: number
  readonly manifestHash?: Uint8Array
  readonly manifest?: Uint8Array
  readonly nextDeviceId: number
}

/** `deviceId`: the only device that the token registers (see `invite`). */
export type RegistrationState = AccountState & { readonly deviceId?: DeviceId }

export interface AccountStore {
  /** The account that a registration token stands for; `undefined` when the token is unknown or has expired. */
  findRegistration(registrationHash: Uint8Array, now: Timestamp): Promise<RegistrationState | undefined>
  /** A registration token for one device of an account that has keys: it registers with the stored manifest, and replaces nothing. False: no such account. */
  invite(invitation: {
    readonly registrationHash: Uint8Array
    readonly accountId: AccountId
    readonly deviceId: DeviceId
    readonly expiresAt: Timestamp
  }): Promise<boolean>
  /**
   * Takes one of `maxTries` PIN tries of the account BEFORE anybody compares, so that parallel guesses cannot have more of them; they come back `windowMs` after the first of
   * them. absent: the token is unknown, has expired, or its account has no lock.
   */
  tryPin(attempt: { readonly registrationHash: Uint8Array; readonly now: Timestamp; readonly maxTries: number; readonly windowMs: number }): Promise<PinTry>
  /** The PIN was right: the token registers from now on, and the try is given back. False: no such token. */
  unlockRegistration(registrationHash: Uint8Array, now: Timestamp): Promise<boolean>
  /** Sets or takes away the registration lock; its tries begin anew. False: no such account. */
  setLock(accountId: AccountId, lock: StoredLock | null): Promise<boolean>
  /** `activeAt`: the latest of the lock's beginning and the days on which a device of the account was seen. */
  lock(accountId: AccountId): Promise<(StoredLock & { readonly activeAt: Timestamp }) | undefined>
  /** Remembers the latest time of a device. One that is not there: no effect. */
  markSeen(accountId: AccountId, deviceId: DeviceId, time: Timestamp): Promise<void>
  /**
   * Exchanges the lease of a device by `swapLease`, in one step: of two at once with the same `held` and different `next` one alone is kept. `undefined`: no such device.
   */
  swapLease(accountId: AccountId, deviceId: DeviceId, swap: LeaseSwap): Promise<boolean | undefined>
  /** The devices of the current manifest, ascending. */
  seen(accountId: AccountId): Promise<readonly { readonly deviceId: DeviceId; readonly lastSeen?: Timestamp }[]>
  /**
   * Stores the first manifest of an account, or the next one that replaces its keys, with the device, its prekeys and its
   * session, if `manifest` continues what is stored (version + 1 and the hash of the last one). Devices that the new manifest does
   * not list with the same key are gone: sessions, queues, prekeys. The very manifest that is stored already: the
   * device gets a further session and nothing else changes (`repeated`). A lock whose account was active after `lockedSince` refuses a token that is neither an
   * invitation nor unlocked, unless `recovered`; an older one is taken away.
   */
  register(registration: Registration): Promise<RegisterOutcome>
  /** Stores the next manifest of an account if it continues the stored one; devices that it no longer lists are gone. The stored one again: `repeated`. */
  updateManifest(update: { readonly accountId: AccountId; readonly manifest: StoredManifest; readonly now: Timestamp }): Promise<ManifestOutcome>
  /** Encoded manifests with a version above `after`, oldest first, at most `limit`; `undefined` for an unknown account. */
  manifests(query: {
    readonly accountId: AccountId
    readonly after: number
    readonly limit: number
  }): Promise<{ readonly manifests: Uint8Array[]; readonly more: boolean } | undefined>
  /** `undefined` for unknown and for reserved accounts. */
  account(accountId: AccountId): Promise<AccountState | undefined>
  /** A device of the current manifest. */
  device(accountId: AccountId, deviceId: DeviceId): Promise<StoredDevice | undefined>
  accountByPhone(phoneHash: Uint8Array): Promise<AccountId | undefined>
  /** A version below the stored one, or the same with other bytes, is a conflict. `absent`: no such account. */
  setProfile(accountId: AccountId, profile: StoredProfile): Promise<'stored' | 'conflict' | 'absent'>
  profile(accountId: AccountId): Promise<StoredProfile | undefined>
  /** Erases everything that belongs to the account, its number included. False: there was none. */
  erase(accountId: AccountId): Promise<boolean>
}

export interface StoredManifest {
  readonly version: number
  /** 64 bytes; empty in version 1. */
  readonly prevHash: Uint8Array
  readonly hash: Uint8Array
  readonly bytes: Uint8Array
  readonly devices: readonly StoredDevice[]
}
export interface StoredDevice {
  readonly deviceId: DeviceId
  /** DSK, Ed25519, 32 bytes. */
  readonly signingKey: Uint8Array
}
export interface StoredProfile {
  readonly version: number
  readonly bytes: Uint8Array
}
export interface Registration {
  readonly registrationHash: Uint8Array
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly manifest: StoredManifest
  readonly preKeys: PreKeyUpload
  /** Without it an account that has keys is not touched: `exists`. */
  readonly replaceKeys: boolean
  readonly session: NewSession
  readonly now: Timestamp
  /** Of the device's first day. */
  readonly seenAt: Timestamp
  readonly lockedSince: Timestamp
  /** The recovery key vouches for the manifest. */
  readonly recovered: boolean
}
/** What the server keeps of a PIN. */
export interface StoredLock {
  /** 16 bytes. */
  readonly salt: Uint8Array
  /** 32 bytes. */
  readonly mac: Uint8Array
  readonly since: Timestamp
}
export type PinTry =
  | { readonly state: 'absent' }
  | { readonly state: 'exhausted'; readonly retryAt: Timestamp }
  | { readonly state: 'counted'; readonly mac: Uint8Array; readonly accountId: AccountId; readonly triesLeft: number }
export type RegisterOutcome =
  | { readonly kind: 'stored' | 'repeated'; readonly revokedDeviceIds: readonly DeviceId[] }
  /**
   * expired: the registration token is not valid any more. exists: keys are there and `replaceKeys` was not set. conflict: the manifest does not continue the stored one,
   * or the token is an invitation and the manifest is not the stored one, or the device not the invited one.
   */
  | { readonly kind: 'expired' }
  | { readonly kind: 'exists' }
  /** The registration lock holds. */
  | { readonly kind: 'locked' }
  | { readonly kind: 'conflict' }
export type ManifestOutcome =
  | { readonly kind: 'stored' | 'repeated'; readonly revokedDeviceIds: readonly DeviceId[] }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'absent' }

/** Sessions: one family of refresh tokens each. Tokens are stored as hashes. */
export interface SessionStore {
  /** Whether the session was not ended, and its device's key; `undefined` when it was ended or never was. */
  session(sessionId: string): Promise<LiveSession | undefined>
  /** The session that the token belongs to, used or not; `undefined` when unknown, ended or expired. */
  findRefresh(tokenHash: Uint8Array, now: Timestamp): Promise<LiveSession | undefined>
  /**
   * Exchanges a refresh token for its successor. Presented again while that one is unused, however much later, it answers what was sealed then:
   * its answer was lost. Presented once the successor was used, or is gone, it ends the session (`reused`). docs/adr/0012.
   */
  rotateRefresh(rotation: Rotation): Promise<RotateOutcome>
  /** False: there was no such session. */
  endSession(sessionId: string): Promise<boolean>
}
export interface NewSession {
  readonly sessionId: string
  readonly tokenHash: Uint8Array
  readonly expiresAt: Timestamp
}
export interface LiveSession {
  readonly sessionId: string
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly signingKey: Uint8Array
}
export interface Rotation {
  readonly presentedHash: Uint8Array
  readonly successorHash: Uint8Array
  /** The successor, readable only with the presented token. */
  readonly sealedSuccessor: Uint8Array
  readonly now: Timestamp
  readonly expiresAt: Timestamp
}
export type RotateOutcome =
  | { readonly kind: 'rotated' }
  | { readonly kind: 'repeated'; readonly sealedSuccessor: Uint8Array }
  | { readonly kind: 'reused' }
  | { readonly kind: 'absent' }

export interface PreKeyStore {
  /**
   * Replaces signed and last-resort key, adds one-time keys in ascending order of their ids while fewer than `limit` are kept.
   * One-time ids at or below the highest that was ever kept are ignored: a repeated upload cannot bring back a claimed key. `undefined`: no such device.
   */
  publishPreKeys(accountId: AccountId, deviceId: DeviceId, upload: PreKeyUpload): Promise<PreKeyCount | undefined>
  preKeyCount(accountId: AccountId, deviceId: DeviceId): Promise<PreKeyCount | undefined>
  /** Hands out a bundle per device; each one-time key once, lowest id first. Devices without a signed and a last-resort key are left out. */
  claimPreKeys(claim: { readonly accountId: AccountId; readonly deviceIds: readonly DeviceId[]; readonly oneTime: boolean }): Promise<ClaimedBundle[]>
}
export interface StoredPreKey {
  readonly keyId: number
  readonly bytes: Uint8Array
}
export interface PreKeyUpload {
  readonly signed?: StoredPreKey
  readonly lastResort?: StoredPreKey
  readonly oneTime: readonly StoredPreKey[]
  /** One-time keys kept for a device. */
  readonly limit: number
}
export interface PreKeyCount {
  readonly oneTime: number
  readonly signedKeyId?: number
  readonly lastResortKeyId?: number
}
export interface ClaimedBundle {
  readonly deviceId: DeviceId
  readonly signed: Uint8Array
  readonly lastResort: Uint8Array
  readonly oneTime?: Uint8Array
  /** One-time keys left after the claim. */
  readonly remaining: number
}

export interface MailboxStore {
  /**
   * True where every row of this database is appended through this very instance and appends resolve in the order of their
   * sequences. Then rows may be delivered from memory; else every delivery reads.
   */
  readonly exclusive: boolean
  /**
   * True where the rows of a mailbox are numbered without gaps and become readable in that order, whoever appends. Then the row that
   * follows the last delivered one may be delivered from memory, although others write too.
   */
  readonly consecutive?: boolean
  /**
   * Stores all envelopes or none, durably BEFORE it resolves. The first outcome that applies: `revoked` (the sender's device is gone),
   * `repeated` (this device used the send id before, within the life of a mailbox row), `unknown-recipient`, `stale-manifest`, `full`.
   */
  append(send: Append): Promise<AppendOutcome>
  /** Rows above `after`, ascending; stops at `limit` rows or when `maxBytes` is passed, but gives at least one row where there is one. Acknowledged rows never. */
  readMailbox(query: {
    readonly accountId: AccountId
    readonly deviceId: DeviceId
    readonly after: number
    readonly limit: number
    readonly maxBytes: number
  }): Promise<MailboxRow[]>
  /** Deletes the rows up to and including `upTo`. May wait for the next batch; when it resolves it is durable. */
  acknowledge(accountId: AccountId, deviceId: DeviceId, upTo: number): Promise<void>
}
export interface Append {
  readonly sender: { readonly accountId: AccountId; readonly deviceId: DeviceId }
  readonly sendId: MessageId
  readonly time: Timestamp
  readonly body?: Uint8Array
  readonly recipients: readonly SendRecipient[]
  /** Rows that one mailbox holds at most. */
  readonly maxRows: number
}
export type AppendOutcome =
  /** `sequences[i]` is the row of `recipients[i]`: ascending in its mailbox, never reused. */
  | { readonly kind: 'stored'; readonly time: Timestamp; readonly sequences: readonly number[] }
  /** Nothing was stored; `time` is that of the first send with this id. */
  | { readonly kind: 'repeated'; readonly time: Timestamp }
  | { readonly kind: 'revoked' | 'unknown-recipient' | 'stale-manifest' | 'full' }
