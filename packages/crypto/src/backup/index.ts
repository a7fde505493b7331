export type { BackupDeps, BackupKeys } from './container.js'
export { type OpenedBackup, openBackupManifest, type SealedBackupManifest, sealBackupManifest } from './manifest.js'
export { BACKUP_KINDS, type BackupKind, type BackupRecord } from './records.js'
export { type RestoredSegment, type RestoreInput, restoreSegments } from './restore.js'
export { openSegment, type SealedSegment, sealSegment, sealSegments } from './segment.js'
export {
  type BackupAnchor,
  type BackupEntry,
  type BackupState,
  decodeBackupState,
  dropSegments,
  encodeBackupState,
  type RestoredBackup,
  startBackup,
} from './state.js'
export { type OpenedPart, openStreamPart, type StreamPart } from './stream.js'
