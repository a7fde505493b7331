import { equalPublicBytes, LIMITS, SecureChatError } from '@securechat/protocol/core'
import { pad, unpad } from '../padding/padding.js'
import { type BackupDeps, type BackupKeys, openContainer, sealContainer } from './container.js'
import { type BackupKind, type BackupRecord, codeOfKind, decodeRecords, encodeRecords, recordLength } from './records.js'
import type { BackupEntry, BackupState } from './state.js'

export interface SealedSegment {
  /** Commit it together with `bytes` before the upload, and retry the same bytes. */
  readonly state: BackupState
  readonly entry: BackupEntry
  readonly bytes: Uint8Array
}

/** One segment after those of `state`. Throws `client/invalid-argument` (kind, name, device state) or `protocol/too-large`. */
export function sealSegment(
  deps: BackupDeps,
  {
    state,
    kind,
    records,
    ...keys
  }: Omit<BackupKeys, 'accountId'> & { readonly state: BackupState; readonly kind: BackupKind; readonly records: readonly BackupRecord[] },
): SealedSegment {
  if (state.entries.length >= LIMITS.backupSegments) throw new SecureChatError('protocol/too-large', { detail: 'backup segments' })
  const { accountId, backupId, nextNumber: number } = state
  const plaintext = pad(encodeRecords(records))
  const bytes = sealContainer(deps, { ...keys, accountId }, { kind: codeOfKind(kind), backupId, number, plaintext })
  const entry: BackupEntry = { backupId, number, kind, length: bytes.length, hash: deps.provider.blake2b(32, bytes) }
  return { state: { ...state, nextNumber: number + 1, entries: [...state.entries, entry] }, entry, bytes }
}

/**
 * Packs records of one kind into as few segments as they fit, in order. Batches in, one segment at a time out, so that memory stays within two segments.
 * Throws as `sealSegment`; segments given out before stay valid.
 */
export async function* sealSegments(
  deps: BackupDeps,
  input: Omit<BackupKeys, 'accountId'> & {
    readonly state: BackupState
    readonly kind: BackupKind
    readonly batches: AsyncIterable<readonly BackupRecord[]> | Iterable<readonly BackupRecord[]>
  },
): AsyncGenerator<SealedSegment, BackupState> {
  const { backupKey, kind, batches } = input
  let { state } = input
  let waiting: BackupRecord[] = []
  let size = 0
  const seal = (): SealedSegment => {
    const sealed = sealSegment(deps, { backupKey, state, kind, records: waiting })
    state = sealed.state
    waiting = []
    size = 0
    return sealed
  }
  for await (const batch of batches) {
    for (const record of batch) {
      const length = recordLength(record)
      if (size + length > LIMITS.backupSegmentBytes) yield seal()
      waiting.push(record)
      size += length
    }
  }
  if (waiting.length > 0) yield seal()
  return state
}

/**
 * Opens a segment that the manifest lists. Throws `backup/damaged` for other bytes than those that were written, `crypto/authentication-failed` for
 * another key or account, `protocol/malformed`.
 */
export function openSegment(
  provider: BackupDeps['provider'],
  { entry, bytes, ...keys }: BackupKeys & { readonly entry: BackupEntry; readonly bytes: Uint8Array },
): BackupRecord[] {
  if (bytes.length !== entry.length || !equalPublicBytes(provider.blake2b(32, bytes), entry.hash))
    throw new SecureChatError('backup/damaged', { detail: 'segment' })
  const { kind, backupId, number } = entry
  return decodeRecords(unpad(openContainer(provider, keys, { kind: codeOfKind(kind), backupId, number, bytes })))
}
