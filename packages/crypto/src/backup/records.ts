import { isSecureChatError, LIMITS, SecureChatError, SUITE } from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import { decodeDeviceKeys } from '../identity/keys.js'
import { decodePrivatePreKey } from '../identity/private-prekeys.js'
import type { PortableBytes } from '../secret.js'
import { decodeSession } from '../session/codec.js'

/** What a segment may hold, and all that it may hold. Codes are on disk and never change their meaning; 0 is the manifest. */
export const BACKUP_KINDS = {
  /** AIK, profile key, the account's own settings of identity. */
  account: 1,
  /** Device manifests of the account and pins of its contacts. */
  manifests: 2,
  contacts: 3,
  conversations: 4,
  /** Membership and operations, not sender chains. */
  groups: 5,
  messages: 6,
  settings: 7,
} as const
export type BackupKind = keyof typeof BACKUP_KINDS

export interface BackupRecord {
  /** Names the record within its kind, 1 to 256 bytes; a later record of the same name replaces an earlier one. */
  readonly name: Uint8Array
  /** Null: the record was deleted. */
  readonly value: PortableBytes | null
}

const kindNames = Object.keys(BACKUP_KINDS) as BackupKind[]

export const kindOf = (code: number): BackupKind | undefined => kindNames.find((kind) => BACKUP_KINDS[kind] === code)

/** Throws `client/invalid-argument` for a kind that is not on the list, whatever the type system was told. */
export function codeOfKind(kind: BackupKind): number {
  if (!Object.hasOwn(BACKUP_KINDS, kind)) throw new SecureChatError('client/invalid-argument', { detail: 'backup kind' })
  return BACKUP_KINDS[kind]
}

/** Every encoding of state that lives on one device alone. */
const DEVICE_ONLY: readonly ((bytes: Uint8Array) => unknown)[] = [decodeSession, decodePrivatePreKey, decodeDeviceKeys]
const MAX_RECORD_VERSION = 15

/**
 * The runtime half of `PortableBytes`: refuses what reads as ratchet state, prekey or device keys, for callers without types and for
 * bytes that went through a store and lost theirs. Throws `client/invalid-argument`.
 */
function requirePortable(value: Uint8Array): void {
  // All those encodings start with a version and the suite, so that ordinary contents cost two comparisons.
  if (value.length < 2 || value[0] === 0 || value[0]! > MAX_RECORD_VERSION || value[1] !== SUITE) return
  for (const decode of DEVICE_ONLY) {
    try {
      decode(value)
    } catch (error) {
      if (isSecureChatError(error)) continue
      throw error
    }
    throw new SecureChatError('client/invalid-argument', { detail: 'device state in a backup' })
  }
}

/** Bytes that a record takes in a segment. Throws `client/invalid-argument`. */
export function recordLength({ name, value }: BackupRecord): number {
  if (name.length < 1 || name.length > LIMITS.backupNameBytes) throw new SecureChatError('client/invalid-argument', { detail: 'backup record name' })
  if (value) requirePortable(value)
  return 2 + name.length + 1 + (value ? 4 + value.length : 0)
}

/** Σ (u16 length ‖ name ‖ u8 present ‖ [u32 length ‖ value]). Throws `client/invalid-argument` or `protocol/too-large`. */
export function encodeRecords(records: readonly BackupRecord[]): Uint8Array {
  let length = 0
  for (const record of records) length += recordLength(record)
  if (length > LIMITS.backupSegmentBytes) throw new SecureChatError('protocol/too-large', { detail: 'backup segment' })
  const writer = new ByteWriter(length)
  for (const { name, value } of records) {
    writer
      .u16(name.length)
      .bytes(name)
      .u8(value ? 1 : 0)
    if (value) writer.u32(value.length).bytes(value)
  }
  return writer.finish()
}

/** Throws `protocol/malformed`. */
export function decodeRecords(bytes: Uint8Array): BackupRecord[] {
  const reader = new ByteReader(bytes, 'protocol/malformed', 'backup records')
  const records: BackupRecord[] = []
  while (reader.remaining > 0) {
    const length = reader.u16()
    if (length < 1 || length > LIMITS.backupNameBytes) reader.fail()
    const name = reader.copy(length)
    const present = reader.u8()
    if (present > 1) reader.fail()
    records.push({ name, value: present ? reader.copy(reader.u32()) : null })
  }
  return records
}
