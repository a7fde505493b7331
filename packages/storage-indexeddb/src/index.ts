export { type DeviceLockOptions, deviceLock } from './device-lock.js'
export { deleteIndexedDbStorage, type IndexedDbStorageOptions, indexedDbStorage } from './indexed-db-storage.js'
export { type Persistence, persistence } from './persistence.js'
