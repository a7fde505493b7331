import type { AccountId, DeviceId, Timestamp } from '@securechat/protocol'
import type { ApproveOptions, CallOptions, LiveQuery } from '../calls.js'

export interface OwnDevice {
  readonly deviceId: DeviceId
  /** The manifest version with which it came. */
  readonly addedVersion: number
  /** Holds the account key: links and revokes others. */
  readonly primary: boolean
  /** This very device. */
  readonly current: boolean
  /** As its owner calls it; only the account's own devices can read it. Absent until it was heard from. */
  readonly name?: string
  /** What it runs on, as it said itself: `browser`, `node` or the application's own word. */
  readonly platform?: string
  /** When the manifest that brought it was signed, by the primary device's clock. */
  readonly linkedAt?: Timestamp
  /** The server's word, to the day (its first millisecond, UTC). Absent: never connected, or not asked yet. */
  readonly lastSeen?: Timestamp
}

/**
 * added: a device that nobody in the account knows of has to be revoked. removed: revoked, or signed out with all others when the account was recovered. expired: it was idle for
 * longer than is allowed. primary: it is the primary device from now on. sign-in-refused: somebody had a right code for the number and not the PIN.
 * store-rolled-back: this device's store is an older state or a copy of one that went on; sessions were begun anew.
 */
export type DeviceAlertKind = 'added' | 'removed' | 'expired' | 'primary' | 'sign-in-refused' | 'store-rolled-back'

/** Something happened to the account's devices; it is shown until somebody has acknowledged it on this device. */
export interface DeviceAlert {
  readonly id: string
  readonly kind: DeviceAlertKind
  /** Absent for `sign-in-refused`. */
  readonly deviceId?: DeviceId
  /** Its name, where it is known. */
  readonly name?: string
  /** When this device learned of it. */
  readonly at: Timestamp
}

/** What happened to the own list while this device was on or off, until it is acknowledged. On every device of the account, the one that did it included. */
export interface DeviceAlerts {
  /** Newest first. */
  list(): Promise<readonly DeviceAlert[]>
  live(): LiveQuery<readonly DeviceAlert[]>
  /** On this device only. One that is gone: no effect. */
  acknowledge(id: string): Promise<void>
}

/**
 * storage-not-persistent: the browser may delete the store, and with it the account key. no-recovery-words: the account has no recovery key, so a lost primary device is a changed identity
 * for every contact.
 */
export type PromotionWarning = 'storage-not-persistent' | 'no-recovery-words'

/** A linked device that shows a code to become the primary one. */
export interface PromotionRequest {
  /** For the QR code, as bare text. */
  readonly code: string
  readonly expiresAt: Timestamp
  /** To be shown before the person goes on. */
  readonly warnings: readonly PromotionWarning[]
  /** Resolves when the primary device has scanned and answered. Throws `devices/link-expired`, `crypto/authentication-failed`, `request/aborted`. */
  answered(options?: CallOptions): Promise<PromotionInvitation>
  cancel(): void
}

export interface PromotionInvitation {
  readonly accountId: AccountId
  /** Six, the same on the other screen. */
  readonly digits: string
  readonly expiresAt: Timestamp
  /**
   * Waits for the other side's approval; when it resolves this device has the account key. Throws `devices/link-expired`, `devices/invalid-manifest`, `crypto/authentication-failed`,
   * `request/aborted`.
   */
  confirm(options?: CallOptions): Promise<void>
}

interface Scan {
  readonly digits: string
  readonly expiresAt: Timestamp
  /** The device that the code is of: for a link the id that it will get. */
  readonly deviceId: DeviceId
  /**
   * `typed`: the digits as the person has read them from the other device. Waits for its confirmation, then signs. Throws `devices/link-mismatch`, `devices/link-expired`,
   * `crypto/authentication-failed`, `request/conflict` (the list changed meanwhile: scan again), `request/aborted`.
   */
  approve(typed: string, options?: ApproveOptions): Promise<{ readonly deviceId: DeviceId }>
  cancel(): void
}

/** The primary device's side. link: a new device, which will read all new messages. promotion: a listed one, which will be the primary device in place of this one. */
export type LinkScan = (Scan & { readonly kind: 'link' }) | (Scan & { readonly kind: 'promotion' })

/** What the server says of the registration lock. */
export interface RegistrationLock {
  readonly since: Timestamp
}
