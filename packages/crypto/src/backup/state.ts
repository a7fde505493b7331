import { type AccountId, equalPublicBytes, idFromBytes, idToBytes, LIMITS, type Random, SecureChatError, SUITE } from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import { type BackupKind, codeOfKind, kindOf } from './records.js'

/** A segment as the manifest lists it. */
export interface BackupEntry {
  /** The backup that wrote it, 16 bytes: another one where the backup continues an earlier one. */
  readonly backupId: Uint8Array
  /** Counts up within its backup. */
  readonly number: number
  readonly kind: BackupKind
  /** Bytes of the sealed segment. */
  readonly length: number
  /** BLAKE2b-256 of them. */
  readonly hash: Uint8Array
}

/** Names one revision of one backup: whoever knows one notices an older or another backup. */
export interface BackupAnchor {
  readonly backupId: Uint8Array
  readonly revision: number
  /** 64 bytes. */
  readonly hash: Uint8Array
}

/** What the one device that writes a backup keeps of it. */
export interface BackupState {
  readonly accountId: AccountId
  readonly backupId: Uint8Array
  /** Of the newest manifest that was sealed, 0 before the first. */
  readonly revision: number
  /** Hash of that manifest: 64 bytes, empty before the first. */
  readonly manifestHash: Uint8Array
  readonly nextNumber: number
  /** Backups that this one continues, oldest first. */
  readonly ancestors: readonly BackupAnchor[]
  /** Segments in force, oldest first. */
  readonly entries: readonly BackupEntry[]
}

const STATE_VERSION = 1
const ENTRY = 16 + 4 + 1 + 4 + 32
const ANCHOR = 16 + 8 + 64

/** A new backup: of nothing yet, or of everything that `restored` lists, which needs no second upload. Never go on under a restored backup's own id. */
export function startBackup({ random }: { readonly random: Random }, accountId: AccountId, restored?: RestoredBackup): BackupState {
  const base = { accountId, backupId: random(16), revision: 0, manifestHash: new Uint8Array(0), nextNumber: 1 }
  if (!restored) return { ...base, ancestors: [], entries: [] }
  if (restored.accountId !== accountId) throw new SecureChatError('client/invalid-argument', { detail: 'backup of another account' })
  return { ...base, ancestors: [...restored.ancestors, restored.anchor].slice(-LIMITS.backupAncestors), entries: restored.entries }
}

/** The part of an opened backup that a new one takes over. */
export interface RestoredBackup {
  readonly accountId: AccountId
  readonly anchor: BackupAnchor
  readonly ancestors: readonly BackupAnchor[]
  readonly entries: readonly BackupEntry[]
}

/** Leaves out segments whose records newer ones replace; the next manifest is without them, and then the server may delete them. */
export const dropSegments = (state: BackupState, dropped: (entry: BackupEntry) => boolean): BackupState => ({
  ...state,
  entries: state.entries.filter((entry) => !dropped(entry)),
})

export function writeEntries(entries: readonly BackupEntry[]): Uint8Array {
  const writer = new ByteWriter(ENTRY * entries.length)
  for (const { backupId, number, kind, length, hash } of entries) writer.bytes(backupId).u32(number).u8(codeOfKind(kind)).u32(length).bytes(hash)
  return writer.finish()
}

/** Throws as the reader does, and `protocol/unsupported-version` for a kind of a later version: leaving it out would be a silent loss. */
export function readEntries(reader: ByteReader, count: number): BackupEntry[] {
  if (count > LIMITS.backupSegments || reader.remaining !== count * ENTRY) reader.fail()
  const entries: BackupEntry[] = []
  for (let i = 0; i < count; i++) {
    const [backupId, number, code, length, hash] = [reader.copy(16), reader.u32(), reader.u8(), reader.u32(), reader.copy(32)] as const
    const kind = kindOf(code)
    if (!kind) throw new SecureChatError('protocol/unsupported-version', { detail: 'backup kind' })
    if (number < 1) reader.fail()
    entries.push({ backupId, number, kind, length, hash })
  }
  if (new Set(entries.map(({ backupId, number }) => `${backupId}/${number}`)).size !== count) reader.fail()
  return entries
}

export const entryCount = (bytes: Uint8Array): number => Math.floor(bytes.length / ENTRY)

export function writeAnchors(anchors: readonly BackupAnchor[]): Uint8Array {
  const writer = new ByteWriter(ANCHOR * anchors.length)
  for (const { backupId, revision, hash } of anchors) writer.bytes(backupId).u64(revision).bytes(hash)
  return writer.finish()
}

export function readAnchors(bytes: Uint8Array, reader = new ByteReader(bytes, 'protocol/malformed', 'backup ancestors')): BackupAnchor[] {
  const anchors: BackupAnchor[] = []
  while (reader.remaining > 0) anchors.push({ backupId: reader.copy(16), revision: reader.u64(), hash: reader.copy(64) })
  if (anchors.length > LIMITS.backupAncestors) reader.fail()
  return anchors
}

/** No secrets, but it must come back unchanged: keep it in a sealed store, in one commit with the sealed bytes of a step. */
export function encodeBackupState(state: BackupState): Uint8Array {
  const ancestors = writeAnchors(state.ancestors)
  const writer = new ByteWriter(256).u8(STATE_VERSION).u8(SUITE).bytes(idToBytes(state.accountId)).bytes(state.backupId).u64(state.revision)
  writer.u32(state.nextNumber).u8(state.manifestHash.length).bytes(state.manifestHash).u16(ancestors.length).bytes(ancestors)
  return writer.u16(state.entries.length).bytes(writeEntries(state.entries)).finish()
}

/** Throws `storage/corrupt` or `protocol/unsupported-version`. */
export function decodeBackupState(bytes: Uint8Array): BackupState {
  const reader = new ByteReader(bytes, 'storage/corrupt', 'backup state')
  if (reader.u8() !== STATE_VERSION || reader.u8() !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'backup state' })
  const accountId = idFromBytes<AccountId>(reader.copy(16))
  const [backupId, revision, nextNumber, manifestHash] = [reader.copy(16), reader.u64(), reader.u32(), reader.copy(reader.u8())] as const
  const anchors = reader.view(reader.u16())
  const ancestors = readAnchors(anchors, new ByteReader(anchors, 'storage/corrupt', 'backup state'))
  const entries = readEntries(reader, reader.u16())
  if (nextNumber < 1 || manifestHash.length !== (revision === 0 ? 0 : 64)) reader.fail()
  return { accountId, backupId, revision, nextNumber, manifestHash, ancestors, entries }
}

export const sameBackup = (a: { readonly backupId: Uint8Array }, b: { readonly backupId: Uint8Array }): boolean => equalPublicBytes(a.backupId, b.backupId)
