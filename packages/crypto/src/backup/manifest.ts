import {
  type AccountId,
  equalPublicBytes,
  idToBytes,
  LABELS,
  parseT,
  readU32,
  readU64,
  SecureChatError,
  SUITE,
  T,
  type Timestamp,
  u8,
  u32,
  u64,
} from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { pad, unpad } from '../padding/padding.js'
import { type BackupDeps, type BackupKeys, openContainer, peekContainer, sealContainer } from './container.js'
import {
  type BackupAnchor,
  type BackupState,
  entryCount,
  type RestoredBackup,
  readAnchors,
  readEntries,
  sameBackup,
  writeAnchors,
  writeEntries,
} from './state.js'

const MANIFEST = 0

export interface SealedBackupManifest {
  /** Commit it together with `bytes` before the upload, and retry the same bytes. */
  readonly state: BackupState
  readonly bytes: Uint8Array
  /** What other devices of the account should be told, so that they notice an older backup. */
  readonly anchor: BackupAnchor
}

/** The next revision: exactly the segments of `state`, in their order. */
export function sealBackupManifest(
  deps: BackupDeps & { readonly now: Timestamp },
  { state, backupKey }: Omit<BackupKeys, 'accountId'> & { readonly state: BackupState },
): SealedBackupManifest {
  const { accountId, backupId, manifestHash, nextNumber, ancestors, entries } = state
  const revision = state.revision + 1
  const core = T(
    LABELS.backupManifest,
    u8(SUITE),
    idToBytes(accountId),
    backupId,
    u64(revision),
    manifestHash,
    u64(deps.now),
    u32(nextNumber),
    writeAnchors(ancestors),
    writeEntries(entries),
  )
  const hash = deps.provider.blake2b(64, core)
  const bytes = sealContainer(deps, { backupKey, accountId }, { kind: MANIFEST, backupId, number: revision, plaintext: pad(core) })
  return { state: { ...state, revision, manifestHash: hash }, bytes, anchor: { backupId, revision, hash } }
}

export interface OpenedBackup extends RestoredBackup {
  readonly accountId: AccountId
  /** When this revision was sealed, by the clock of the device that did: show it to the user, who alone notices an old one without an anchor. */
  readonly created: Timestamp
  /** Whether an anchor has shown that it is not older than what is known. */
  readonly anchored: boolean
}

/**
 * Opens what a server shows as the newest manifest. Throws `crypto/authentication-failed` (other words, other account, changed), `backup/rolled-back` (older than
 * the anchor, or of a backup that does not continue it), `protocol/malformed`, `protocol/unsupported-version`.
 */
export function openBackupManifest(
  provider: BackupDeps['provider'],
  { bytes, anchor, ...keys }: BackupKeys & { readonly bytes: Uint8Array; readonly anchor?: BackupAnchor },
): OpenedBackup {
  const { kind, backupId, number } = peekContainer(bytes)
  if (kind !== MANIFEST) malformed()
  const core = unpad(openContainer(provider, keys, { kind, backupId, number, bytes }))
  const opened = readCore(core, { accountId: keys.accountId, anchor: { backupId, revision: number, hash: provider.blake2b(64, core) } })
  if (anchor) requireDescent(opened, anchor)
  return { ...opened, anchored: anchor !== undefined }
}

const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'backup manifest' })
}

function readCore(core: Uint8Array, { accountId, anchor }: Pick<OpenedBackup, 'accountId' | 'anchor'>): Omit<OpenedBackup, 'anchored'> {
  const fields = parseT(core, LABELS.backupManifest)
  if (fields.length !== 9) malformed()
  const [suite, account, backupId, revision, prevHash, created, nextNumber, ancestors, entries] = fields as Nine
  if (suite.length !== 1 || suite[0] !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'backup suite' })
  if (revision.length !== 8 || created.length !== 8 || nextNumber.length !== 4) malformed()
  if (!equalPublicBytes(account, idToBytes(accountId)) || !sameBackup({ backupId }, anchor) || readU64(revision, 0) !== anchor.revision) malformed()
  if (prevHash.length !== (anchor.revision === 1 ? 0 : 64)) malformed()
  const list = readEntries(new ByteReader(entries, 'protocol/malformed', 'backup entries'), entryCount(entries))
  if (list.some((entry) => sameBackup(entry, anchor) && entry.number >= readU32(nextNumber, 0))) malformed()
  return { accountId, anchor, created: readU64(created, 0), ancestors: readAnchors(ancestors), entries: list }
}

type Nine = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]

/** One device writes a backup, so a higher revision of it is a later one, and another backup is later where it says that it continues this one. */
function requireDescent({ anchor, ancestors }: Pick<OpenedBackup, 'anchor' | 'ancestors'>, known: BackupAnchor): void {
  const reached = [anchor, ...ancestors].find((one) => sameBackup(one, known))
  const older = !reached || reached.revision < known.revision
  if (older || (reached.revision === known.revision && !equalPublicBytes(reached.hash, known.hash)))
    throw new SecureChatError('backup/rolled-back', { detail: 'anchor' })
}
