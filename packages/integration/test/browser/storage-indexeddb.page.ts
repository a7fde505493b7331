import { isSecureChatError } from '@securechat/protocol'
import type { ClientStorage } from '@securechat/storage'
import { runStorageConformance, type StorageConformanceResult } from '@securechat/storage/conformance'
import { deleteIndexedDbStorage, indexedDbStorage, persistence } from '@securechat/storage-indexeddb'

/** What the test's pages can call. */
export interface StorageKit {
  readonly indexedDbStorage: typeof indexedDbStorage
  readonly deleteIndexedDbStorage: typeof deleteIndexedDbStorage
  readonly persistence: typeof persistence
  conformance(): Promise<StorageConformanceResult[]>
  /** The error's code, or what else came of it. */
  outcome(work: Promise<unknown>): Promise<string>
  /** Adds one to a counter by compare-and-swap; returns how often somebody else came first. */
  increment(storage: ClientStorage, key: string): Promise<number>
}

/** What a page keeps from one call of the test to the next. */
export interface HeldByPage {
  storage: ClientStorage
  calls: (readonly string[])[]
}

async function increment(storage: ClientStorage, key: string): Promise<number> {
  for (let conflicts = 0; ; conflicts++) {
    const entry = await storage.get(key)
    const value = new Uint8Array(2)
    new DataView(value.buffer).setUint16(0, (entry ? new DataView(entry.value.buffer).getUint16(0) : 0) + 1)
    try {
      await storage.commit([{ put: key, value }], { expect: [{ key, version: entry?.version ?? null }], durability: 'relaxed' })
      return conflicts
    } catch (error) {
      if (!isSecureChatError(error, 'storage/conflict')) throw error
    }
  }
}

const kit: StorageKit = {
  indexedDbStorage,
  deleteIndexedDbStorage,
  persistence,
  conformance: () => {
    let run = 0
    return runStorageConformance(['reopen', 'several', 'remote-watch'], () => {
      const prefix = `case-${++run}-`
      return { open: async (name = 'main') => indexedDbStorage({ name: `${prefix}${name}` }) }
    })
  },
  outcome: (work) =>
    work.then(
      () => 'fulfilled',
      (error: unknown) => (isSecureChatError(error) ? error.code : `untyped ${String(error)}`),
    ),
  increment,
}

Object.assign(globalThis, { kit, held: {} })
