export { type Bounds, boundsOf, type CheckedCommit, checkCommit, checkKey, checkKeys, checkPrefix } from './checks.js'
export type { KeepingState, StorageKeeping } from './keeping.js'
export type { LockSecret, StoreLock } from './lock.js'
export { MemoryDisk, type MemoryStorageOptions, memoryStorage } from './memory.js'
export { FORMAT_KEY, type Migration, type MigrationResult, migrateStorage } from './migrations.js'
export {
  type ClientStorage,
  type CommitOptions,
  type Expectation,
  type Range,
  STORAGE_LIMITS,
  type StorageReader,
  type StoredEntry,
  type WatchListener,
  type Write,
} from './port.js'
export { SEAL_CHECK_KEY, type Sealer, sealedStorage } from './sealed.js'
export { createWatchHub, type WatchHub } from './watch-hub.js'
