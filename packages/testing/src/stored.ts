import { createSealer } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { equalPublicBytes } from '@securechat/protocol'
import { type ClientStorage, type MemoryDisk, memoryStorage, SEAL_CHECK_KEY, sealedStorage } from '@securechat/storage'

/** Row of the client's store with the key that it was sealed with, where its owner gave none: u8 version ‖ key 32. */
const STORE_KEY = '!key'

/**
 * Everything that a client has stored, unsealed, by key: to compare what must not have changed, and to look at. Each writing seals anew, so
 * the bytes on the disk say only that a row was written. For stores without a `lock` of their own.
 */
export async function readStored(disk: MemoryDisk): Promise<Map<string, Uint8Array>> {
  const inner = memoryStorage({ disk: disk.clone() })
  const row = await inner.get(STORE_KEY)
  if (!row) throw new Error('a store without a key of its own')
  const provider = await sodiumProvider()
  const random = (): Uint8Array => {
    throw new Error('nothing is sealed here')
  }
  const unsealing: ClientStorage = { ...inner, list: async (prefix, range) => (await inner.list(prefix, range)).filter(({ key }) => key !== STORE_KEY) }
  const storage = await sealedStorage(unsealing, createSealer({ provider, random }, row.value.slice(1)))
  const found = new Map<string, Uint8Array>()
  for (const { key, value } of await storage.list('')) if (key !== SEAL_CHECK_KEY) found.set(key, value)
  await storage.close()
  return found
}

/** Keys of the rows that are new, gone or changed, in order. */
export function changedRows(before: ReadonlyMap<string, Uint8Array>, after: ReadonlyMap<string, Uint8Array>): string[] {
  const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean => a !== undefined && b !== undefined && equalPublicBytes(a, b)
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => !same(before.get(key), after.get(key))).sort()
}
