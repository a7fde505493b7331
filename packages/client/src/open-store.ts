import { type CryptoProvider, createSealer } from '@securechat/crypto'
import { concatBytes, isSecureChatError, type Random, SecureChatError, u8 } from '@securechat/protocol'
import { type ClientStorage, migrateStorage, SEAL_CHECK_KEY, sealedStorage } from '@securechat/storage'

/**
 * The generated key of a store whose owner gave none. It lies beside what it seals, so it protects nothing from somebody who has the whole
 * store; it is there so that every row is sealed from the first day on, and a real key can take its place later without another format.
 */
export const STORE_KEY = '!key'
const KEY_VERSION = 1
const KEY_BYTES = 32

/** Formats of the store, oldest first. */
const MIGRATIONS = [{ to: 1, migrate: () => [] }] as const

/** Hides the key's row from whoever lists the store, as the sealed wrapper hides its own. */
function withoutKeyRow(inner: ClientStorage): ClientStorage {
  return {
    get: (key) => inner.get(key),
    getMany: (keys) => inner.getMany(keys),
    async list(prefix, range) {
      if (!STORE_KEY.startsWith(prefix)) return inner.list(prefix, range)
      const limit = range?.limit
      const widened = limit !== undefined && limit > 0 ? { ...range, limit: limit + 1 } : range
      const entries = (await inner.list(prefix, widened)).filter(({ key }) => key !== STORE_KEY)
      return limit === undefined ? entries : entries.slice(0, limit)
    },
    commit: (writes, options) => inner.commit(writes, options),
    watch: (prefix, listener) =>
      inner.watch(prefix, (keys) => {
        const visible = keys.filter((key) => key !== STORE_KEY)
        if (visible.length > 0 || keys.length === 0) listener(visible)
      }),
    close: () => inner.close(),
  }
}

async function generatedKey(inner: ClientStorage, random: Random): Promise<Uint8Array> {
  for (;;) {
    const row = await inner.get(STORE_KEY)
    if (row) {
      if (row.value[0] !== KEY_VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'store key' })
      if (row.value.length !== 1 + KEY_BYTES) throw new SecureChatError('storage/corrupt', { detail: 'store key' })
      return row.value.slice(1)
    }
    // Sealed already, and not with a generated key: the caller's is missing.
    if (await inner.get(SEAL_CHECK_KEY)) throw new SecureChatError('storage/wrong-key')
    try {
      await inner.commit([{ put: STORE_KEY, value: concatBytes(u8(KEY_VERSION), random(KEY_BYTES)) }], { expect: [{ key: STORE_KEY, version: null }] })
    } catch (error) {
      // Another tab was first: its key is the key.
      if (!isSecureChatError(error, 'storage/conflict')) throw error
    }
  }
}

export interface StoreOptions {
  readonly storage: ClientStorage
  readonly provider: CryptoProvider
  readonly random: Random
  readonly storageKey?: Uint8Array
}

/** The sealed store. Throws `storage/wrong-key`, `storage/corrupt`, `protocol/unsupported-version`, `client/invalid-argument`. */
export async function openStore({ storage, provider, random, storageKey }: StoreOptions): Promise<ClientStorage> {
  if (storageKey && storageKey.length !== KEY_BYTES) throw new SecureChatError('client/invalid-argument', { detail: 'storageKey must be 32 bytes' })
  const key = storageKey ?? (await generatedKey(storage, random))
  const sealed = await sealedStorage(withoutKeyRow(storage), createSealer({ provider, random }, key))
  await migrateStorage(sealed, MIGRATIONS)
  return sealed
}
