import { equalPublicBytes, SecureChatError } from '@securechat/protocol/core'
import { type BackupDeps, type BackupKeys, peekContainer } from './container.js'
import { openBackupManifest } from './manifest.js'
import { type BackupRecord, kindOf } from './records.js'
import { openSegment } from './segment.js'
import type { BackupEntry } from './state.js'

export interface StreamPart extends BackupKeys {
  /** 16 bytes: the stream's id. */
  readonly backupId: Uint8Array
  /** What was received before, from the first part on. */
  readonly received: readonly BackupEntry[]
  readonly bytes: Uint8Array
}
export type OpenedPart = { readonly entry: BackupEntry; readonly records: readonly BackupRecord[] } | { readonly entry: null }

/**
 * An archive that is read while it is written (docs/protocol/13, "History"): segments 1, 2, 3 …, then its manifest as the last part, which lists exactly them. A segment
 * opens at its own place only; `entry` null says that the manifest has come and fits, so that nothing was left out. Throws `backup/damaged`,
 * `crypto/authentication-failed`, `protocol/malformed`, `protocol/unsupported-version`.
 */
export function openStreamPart(provider: BackupDeps['provider'], { backupId, received, bytes, ...keys }: StreamPart): OpenedPart {
  const head = peekContainer(bytes)
  if (!equalPublicBytes(head.backupId, backupId)) throw new SecureChatError('backup/damaged', { detail: 'part of another archive' })
  if (head.kind === 0) {
    const { entries } = openBackupManifest(provider, { ...keys, bytes })
    const complete = entries.length === received.length && entries.every((entry, i) => sameEntry(entry, received[i] as BackupEntry))
    if (!complete) throw new SecureChatError('backup/damaged', { detail: 'parts and manifest' })
    return { entry: null }
  }
  const kind = kindOf(head.kind)
  if (!kind) throw new SecureChatError('protocol/unsupported-version', { detail: 'backup kind' })
  const entry = { backupId: head.backupId, number: received.length + 1, kind, length: bytes.length, hash: provider.blake2b(32, bytes) }
  return { entry, records: openSegment(provider, { ...keys, entry, bytes }) }
}

const sameEntry = (a: BackupEntry, b: BackupEntry): boolean =>
  a.number === b.number && a.kind === b.kind && a.length === b.length && equalPublicBytes(a.hash, b.hash) && equalPublicBytes(a.backupId, b.backupId)
