import { SecureChatError } from '@securechat/protocol'
import { type Bounds, boundsOf, checkCommit, checkKey, checkKeys } from './checks.js'
import type { ClientStorage, StoredEntry } from './port.js'
import { createWatchHub, type WatchHub } from './watch-hub.js'

/** The contents behind memory stores. It outlives them, as a file does, so that a test can "restart" or open it twice. */
export class MemoryDisk {
  /** @internal */ readonly entries: Map<string, StoredEntry> = new Map()
  /** @internal In code unit order; always the keys of `entries`. */ readonly keys: string[] = []
  /** @internal */ readonly hubs: Set<WatchHub> = new Set()
  /** @internal */ counter = 0

  /** An independent copy of the state at this moment: a backup, a cloned or (put back later) a rolled-back store. */
  clone(): MemoryDisk {
    const copy = new MemoryDisk()
    for (const [key, entry] of this.entries) copy.entries.set(key, copyOf(entry))
    copy.keys.push(...this.keys)
    copy.counter = this.counter
    return copy
  }
}

const copyOf = (entry: StoredEntry): StoredEntry => ({ key: entry.key, value: new Uint8Array(entry.value), version: entry.version })

/** Index of the first key ≥ `key`. */
function positionOf(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

function applyMutable(disk: MemoryDisk, writes: ReadonlyMap<string, Uint8Array | null>): void {
  for (const [key, value] of writes) {
    const present = disk.entries.has(key)
    if (value !== null) {
      if (!present) disk.keys.splice(positionOf(disk.keys, key), 0, key)
      disk.entries.set(key, { key, value, version: disk.counter })
    } else if (present) {
      disk.keys.splice(positionOf(disk.keys, key), 1)
      disk.entries.delete(key)
    }
  }
}

function keysWithin(disk: MemoryDisk, { lower, lowerExclusive, upper, limit, reverse }: Bounds): string[] {
  const first = positionOf(disk.keys, lower)
  const start = lowerExclusive && disk.keys[first] === lower ? first + 1 : first
  const end = positionOf(disk.keys, upper)
  if (reverse) return disk.keys.slice(Math.max(start, end - limit), end).reverse()
  return disk.keys.slice(start, Math.min(end, start + limit))
}

export interface MemoryStorageOptions {
  /** What the store reads and writes; without it a new one. Several stores may share one: they see each other's commits, `watch` included. */
  readonly disk?: MemoryDisk
}

/** A store that lives as long as its `MemoryDisk`. Nothing is durable; `durability` has no effect. */
export function memoryStorage({ disk = new MemoryDisk() }: MemoryStorageOptions = {}): ClientStorage {
  const hub = createWatchHub((size) => {
    if (size > 0) disk.hubs.add(hub)
    else disk.hubs.delete(hub)
  })
  let closed = false
  const ensureOpen = (): void => {
    if (closed) throw new SecureChatError('storage/closed')
  }
  const read = (key: string): StoredEntry | undefined => {
    const entry = disk.entries.get(key)
    return entry && copyOf(entry)
  }

  return {
    async get(key) {
      ensureOpen()
      checkKey(key)
      return read(key)
    },
    async getMany(keys) {
      ensureOpen()
      return checkKeys(keys).map(read)
    },
    async list(prefix, range) {
      ensureOpen()
      const bounds = boundsOf(prefix, range)
      return bounds ? keysWithin(disk, bounds).map((key) => read(key)!) : []
    },
    async commit(writes, options) {
      ensureOpen()
      const { writes: checked, expect } = checkCommit(writes, options)
      for (const { key, version } of expect) {
        if ((disk.entries.get(key)?.version ?? null) !== version) throw new SecureChatError('storage/conflict')
      }
      if (checked.size === 0) return { version: disk.counter }
      disk.counter++
      applyMutable(disk, checked)
      for (const listening of disk.hubs) listening.touched(checked.keys())
      return { version: disk.counter }
    },
    watch(prefix, listener) {
      ensureOpen()
      return hub.watch(prefix, listener)
    },
    async close() {
      closed = true
      hub.close()
    },
  }
}
