import type { SecureChatError, Timestamp } from '@securechat/protocol'
import type { CallOptions, LiveQuery } from '../calls.js'

/** How far something has come, for a bar: of the same unit, and `done` only grows. */
export interface Progress {
  readonly done: number
  readonly total: number
}

/** 24 new words: to be shown, written down and forgotten. */
export interface NewBackupWords {
  readonly words: readonly string[]
  /** Positions, 1 to 24, ascending: the person types these words back from the paper. */
  readonly challenge: readonly number[]
}

/** What `challenge` asked for: position → word as typed. */
export type ConfirmedWords = Readonly<Record<number, string>>

/** A restore on this device. It goes on in the background, and after a restart. */
export interface RestoreState {
  readonly status: 'running' | 'done' | 'failed'
  /** When the restored backup was made, by the clock of the device that made it. Show it: nothing but the person notices that it is an old one. */
  readonly createdAt: Timestamp
  readonly progress: Progress
  /** failed: why; `restore` may be called again. running: why it waits. */
  readonly error?: SecureChatError
}

export interface BackupState {
  /** This device makes backups of the account. */
  readonly enabled: boolean
  /** When the newest complete backup was made; absent before the first. */
  readonly lastAt?: Timestamp
  /** Sealed bytes of it on the server. */
  readonly bytes: number
  /** Present while one is being made. */
  readonly progress?: Progress
  /** Why the last attempt failed; it is tried again unless `retry` says never. */
  readonly error?: SecureChatError
  readonly restore?: RestoreState
}

/** History between own devices, once after linking. */
export interface HistoryTransfer {
  readonly direction: 'sending' | 'receiving'
  /** expired: the server's 24 hours are over; what has come stays. */
  readonly status: 'running' | 'done' | 'failed' | 'expired'
  /** Messages; `total` is what the primary device counted when it began. */
  readonly progress: Progress
  /** When the server deletes what has not been fetched. */
  readonly expiresAt?: Timestamp
  readonly error?: SecureChatError
}

/** `client.devices.history`: on its way to or from this device; empty where there is none. */
export interface History {
  state(): Promise<readonly HistoryTransfer[]>
  live(): LiveQuery<readonly HistoryTransfer[]>
}

/** The encrypted backup (docs/protocol/11-recovery-and-backup.md). The primary device makes it; a new device restores it after signing in with the words. */
export interface Backups {
  /** Makes 24 words. Nothing is kept: show them, let the person type back what `challenge` asks for, then `enable`. */
  createWords(): Promise<NewBackupWords>
  /**
   * Turns backups on. `confirmed` has to give at least three words of the paper by their positions. Names the words' recovery key in the account's device list, if that
   * names none. Resolves when the server has the list; the first backup is made in the background. Throws `client/invalid-argument` (not 24 words, words typed
   * back wrongly, or the account has other words), `devices/not-primary`, network errors.
   */
  enable(input: { words: string | readonly string[]; confirmed: ConfirmedWords }, options?: CallOptions): Promise<BackupState>
  state(): Promise<BackupState>
  live(): LiveQuery<BackupState>
  /** Makes a backup of what is new now and resolves when it is complete. Throws `client/invalid-argument` where backups are off, and why it failed. */
  run(options?: CallOptions): Promise<BackupState>
  /** Ends backups and erases the archive on the server. The words stay the account's recovery words. */
  disable(options?: CallOptions): Promise<void>
  /**
   * On a new device, after `login.confirm({ code, recoveryWords })`: finds the account's backup, then restores it in the background, chats and newest messages first;
   * what is here already stays. Resolves when it has begun (`state().restore`); afterwards this device makes the backups. Throws `client/not-found` (there
   * is none), `crypto/authentication-failed` (other words), `client/invalid-argument` (not 24 words), network errors.
   */
  restore(input: { words: string | readonly string[] }, options?: CallOptions): Promise<BackupState>
}
