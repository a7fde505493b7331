import { type CryptoProvider, createSealer, Secret } from '@securechat/crypto'
import { type Clock, concatBytes, isSecureChatError, type Random, SecureChatError, u8 } from '@securechat/protocol'
import { type ClientStorage, migrateStorage, SEAL_CHECK_KEY, type StoreLock, sealedStorage } from '@securechat/storage'
import { MIGRATIONS } from './state/migrations.js'
import { KEYRING_KEY, keyring, makeSlot, openKeyring } from './store-key/keyring.js'

/**
 * The generated key of a store without a lock. It lies beside what it seals, so it protects nothing from somebody who has the whole store; it
 * is there so that every row is sealed from the first day on, and a lock can take its place later without another format.
 */
export const STORE_KEY = '!key'
const KEY_VERSION = 1
const KEY_BYTES = 32
const HIDDEN: readonly string[] = [STORE_KEY, KEYRING_KEY]

/** Hides the rows of the key from whoever lists the store, as the sealed wrapper hides its own. */
function withoutKeyRows(inner: ClientStorage): ClientStorage {
  return {
    get: (key) => inner.get(key),
    getMany: (keys) => inner.getMany(keys),
    async list(prefix, range) {
      const hidden = HIDDEN.filter((key) => key.startsWith(prefix)).length
      if (hidden === 0) return inner.list(prefix, range)
      const limit = range?.limit
      const widened = limit !== undefined && limit > 0 ? { ...range, limit: limit + hidden } : range
      const entries = (await inner.list(prefix, widened)).filter(({ key }) => !HIDDEN.includes(key))
      return limit === undefined ? entries : entries.slice(0, limit)
    },
    commit: (writes, options) => inner.commit(writes, options),
    watch: (prefix, listener) =>
      inner.watch(prefix, (keys) => {
        const visible = keys.filter((key) => !HIDDEN.includes(key))
        if (visible.length > 0 || keys.length === 0) listener(visible)
      }),
    close: () => inner.close(),
  }
}

/** What the row of a store without locks holds. Throws `storage/corrupt`, `protocol/unsupported-version`. */
export function decodeStoreKey(row: Uint8Array): Secret {
  if (row[0] !== KEY_VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'store key' })
  if (row.length !== 1 + KEY_BYTES) throw new SecureChatError('storage/corrupt', { detail: 'store key' })
  return new Secret(row.slice(1))
}
export const encodeStoreKey = (key: Secret): Uint8Array => concatBytes(u8(KEY_VERSION), key.expose())

export interface StoreOptions {
  readonly storage: ClientStorage
  readonly provider: CryptoProvider
  readonly random: Random
  readonly clock: Clock
  readonly unlock?: StoreLock | undefined
}

/** Finds or makes the store's key; the first of several tabs that start at once decides. */
async function storeKey(options: StoreOptions): Promise<Secret> {
  const { storage, random, clock, unlock: lock } = options
  for (;;) {
    // One state of the store: another tab may be making it.
    const [stored, ring, sealed] = await storage.getMany([STORE_KEY, KEYRING_KEY, SEAL_CHECK_KEY])
    if (ring) {
      if (!lock) throw new SecureChatError('storage/unlock-needed')
      return openKeyring(options, keyring.decode(ring.value), lock)
    }
    if (stored && !lock) return decodeStoreKey(stored.value)
    // Sealed, and not a trace of the key.
    if (!stored && sealed) throw new SecureChatError('storage/wrong-key')
    const key = stored ? decodeStoreKey(stored.value) : new Secret(random(KEY_BYTES))
    const write = lock
      ? { put: KEYRING_KEY, value: keyring.encode({ slots: [await makeSlot(options, key, { lock, now: clock.now() })] }) }
      : { put: STORE_KEY, value: encodeStoreKey(key) }
    const expect = [
      { key: STORE_KEY, version: stored?.version ?? null },
      { key: KEYRING_KEY, version: null },
    ]
    try {
      await storage.commit(stored ? [write, { delete: STORE_KEY }] : [write], { expect })
      return key
    } catch (error) {
      // Another tab was first: its key is the key.
      if (!isSecureChatError(error, 'storage/conflict')) throw error
    }
  }
}

export interface OpenedStore {
  readonly storage: ClientStorage
  /** What every row is sealed with; for new locks. */
  readonly key: Secret
}

/**
 * The sealed store. A lock that is given for a store without one is put on it. Throws `storage/unlock-needed`, `storage/wrong-key`, `storage/corrupt`,
 * `protocol/unsupported-version`, `client/invalid-argument`, and what the lock throws.
 */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const { storage, provider, random } = options
  const key = await storeKey(options)
  const sealed = await sealedStorage(withoutKeyRows(storage), createSealer({ provider, random }, key.expose()))
  await migrateStorage(sealed, MIGRATIONS)
  return { storage: sealed, key }
}
