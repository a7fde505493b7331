import { SecureChatError } from '@securechat/protocol'
import type { StorageConformanceContext } from '../src/conformance/index.js'
import {
  type ClientStorage,
  type CommitOptions,
  MemoryDisk,
  memoryStorage,
  type Range,
  type StoredEntry,
  type WatchListener,
  type Write,
} from '../src/index.js'

/** Deliberately broken stores. Each breaks one promise of the port; the conformance suite must catch every one of them. */
export interface Mutant {
  readonly name: string
  /** A case that must be among those that fail, by the beginning of its name. */
  readonly caughtBy: string
  context(): StorageConformanceContext
}

type Override = (inner: ClientStorage, disk: MemoryDisk) => Partial<ClientStorage>

function mutant(name: string, caughtBy: string, override: Override): Mutant {
  return {
    name,
    caughtBy,
    context() {
      const disks = new Map<string, MemoryDisk>()
      return {
        open: async (store = 'main') => {
          const disk = disks.get(store) ?? new MemoryDisk()
          disks.set(store, disk)
          const inner = memoryStorage({ disk })
          return { ...inner, ...override(inner, disk) }
        },
      }
    },
  }
}

const changeList = (change: (entries: StoredEntry[], prefix: string, range: Range) => StoredEntry[]): Override => {
  return (inner) => ({ list: async (prefix, range = {}) => change(await inner.list(prefix, range), prefix, range) })
}

/** One store for all names, told apart by a mere concatenation: 'a' + 'bx' is 'ab' + 'x'. */
const leakingNamespace: Mutant = {
  name: 'leaking namespace',
  caughtBy: 'stores of different names',
  context() {
    const disk = new MemoryDisk()
    return {
      open: async (namespace = 'main') => {
        const inner = memoryStorage({ disk })
        const strip = (entry: StoredEntry | undefined): StoredEntry | undefined => entry && { ...entry, key: entry.key.slice(namespace.length) }
        const add = (write: Write): Write => ('put' in write ? { ...write, put: namespace + write.put } : { delete: namespace + write.delete })
        const bound = (key: string | undefined, name: 'after' | 'before'): Range => (key === undefined ? {} : { [name]: namespace + key })
        const expecting = (options: CommitOptions = {}): CommitOptions => ({
          ...options,
          ...(options.expect ? { expect: options.expect.map(({ key, version }) => ({ key: namespace + key, version })) } : {}),
        })
        return {
          get: async (key) => strip(await inner.get(namespace + key)),
          getMany: async (keys) => (await inner.getMany(keys.map((key) => namespace + key))).map(strip),
          list: async (prefix, range = {}) => {
            const { after, before, ...rest } = range
            const entries = await inner.list(namespace + prefix, { ...rest, ...bound(after, 'after'), ...bound(before, 'before') })
            return entries.map((entry) => strip(entry)!)
          },
          commit: (writes, options) => inner.commit(writes.map(add), expecting(options)),
          watch: (prefix, listener) => inner.watch(namespace + prefix, (keys) => listener(keys.map((key) => key.slice(namespace.length)))),
          close: () => inner.close(),
        }
      },
    }
  },
}

/** A watcher of its own making; `broken` says what is wrong with it. */
function ownWatch(broken: 'drops while running' | 'first only' | 'too early' | 'no deletions' | 'any prefix'): Override {
  return (inner) => {
    const listeners = new Map<object, { prefix: string; listener: WatchListener; running: boolean; calls: number }>()
    const tell = (writes: readonly Write[]): void => {
      for (const entry of listeners.values()) {
        const keys = writes
          .filter((write) => broken !== 'no deletions' || 'put' in write)
          .map((write) => ('put' in write ? write.put : write.delete))
          .filter((key) => broken === 'any prefix' || key.startsWith(entry.prefix))
          .sort()
        if (keys.length === 0 || (broken === 'drops while running' && entry.running) || (broken === 'first only' && entry.calls > 0)) continue
        entry.running = true
        entry.calls++
        entry.listener(keys)
        setTimeout(() => {
          entry.running = false
        }, 0)
      }
    }
    return {
      async commit(writes, options) {
        if (broken === 'too early') {
          await Promise.resolve()
          tell(writes)
          await new Promise((resolve) => setTimeout(resolve, 0))
        }
        const result = await inner.commit(writes, options)
        if (broken !== 'too early') tell(writes)
        return result
      },
      watch(prefix, listener) {
        inner.watch(prefix, () => {})()
        const id = {}
        listeners.set(id, { prefix, listener, running: false, calls: 0 })
        return () => void listeners.delete(id)
      },
      async close() {
        listeners.clear()
        await inner.close()
      },
    }
  }
}

const withExpect = (change: (expect: NonNullable<CommitOptions['expect']>) => NonNullable<CommitOptions['expect']>): Override => {
  return (inner) => ({ commit: (writes, options = {}) => inner.commit(writes, { ...options, expect: change(options.expect ?? []) }) })
}

export const mutants: readonly Mutant[] = [
  mutant('commit write by write', 'no reader sees half a commit', (inner) => ({
    async commit(writes, options) {
      if (writes.length === 0) return inner.commit(writes, options)
      let result = await inner.commit(writes.slice(0, 1), options)
      for (const write of writes.slice(1)) result = await inner.commit([write])
      return result
    },
  })),
  mutant('commit that keeps what came before an invalid write', 'an invalid write anywhere', (inner) => ({
    async commit(writes, options) {
      const bad = writes.findIndex((write) => write === null || !('put' in write ? write.put && write.value instanceof Uint8Array : 'delete' in write))
      if (bad > 0) await inner.commit(writes.slice(0, bad), options)
      return inner.commit(writes, options)
    },
  })),
  mutant('commit that writes before it checks the expectations', 'any expectation that fails', (inner) => ({
    async commit(writes, options) {
      const result = await inner.commit(writes)
      for (const { key, version } of options?.expect ?? []) {
        const entry = await inner.get(key)
        if (entry && entry.version !== result.version && entry.version !== version) throw new SecureChatError('storage/conflict')
      }
      return result
    },
  })),
  leakingNamespace,
  mutant('buffers aliased on the way in', 'a buffer passed in', (inner, disk) => ({
    async commit(writes, options) {
      const result = await inner.commit(writes, options)
      for (const write of writes) {
        const stored = 'put' in write ? disk.entries.get(write.put) : undefined
        if ('put' in write && stored) disk.entries.set(write.put, { ...stored, value: write.value })
      }
      return result
    },
  })),
  mutant('buffers copied only after a while', 'a buffer passed in', (inner) => ({
    commit: async (writes, options) => {
      await Promise.resolve()
      return inner.commit(writes, options)
    },
  })),
  mutant('buffers aliased on the way out', 'a buffer that came out', (inner, disk) => ({
    get: async (key) => (await inner.get(key)) && disk.entries.get(key),
  })),
  mutant('buffers of one result shared', 'a buffer that came out', (inner) => ({
    async getMany(keys) {
      const found = new Map((await inner.getMany(keys)).map((entry) => [entry?.key, entry]))
      return keys.map((key) => found.get(key))
    },
  })),
  mutant('order of insertion', 'a listing is in code unit order', (inner, disk) => ({
    list: async (prefix, range) => {
      const wanted = new Set((await inner.list(prefix, range)).map((entry) => entry.key))
      return [...disk.entries.values()].filter((entry) => wanted.has(entry.key)).map((entry) => ({ ...entry, value: entry.value.slice() }))
    },
  })),
  mutant(
    'order of a locale',
    'a listing is in code unit order',
    changeList((entries) => entries.sort((a, b) => a.key.localeCompare(b.key, 'en'))),
  ),
  mutant('reverse ignored', 'a listing is in code unit order', (inner) => ({
    list: (prefix, range = {}) => {
      const { reverse: _, ...rest } = range
      return inner.list(prefix, rest)
    },
  })),
  mutant('limit before reverse', 'a limit counts from the side', (inner) => ({
    list: async (prefix, range = {}) => {
      const { reverse, ...rest } = range
      const entries = await inner.list(prefix, rest)
      return reverse ? entries.reverse() : entries
    },
  })),
  mutant('limit 0 as no limit', 'a limit counts from the side', (inner) => ({
    list: (prefix, range = {}) => {
      const { limit, ...rest } = range
      return inner.list(prefix, limit ? range : rest)
    },
  })),
  mutant('inclusive after', 'bounds are exclusive', (inner) => ({
    list: async (prefix, range = {}) => {
      const edge = range.after?.startsWith(prefix) ? await inner.get(range.after) : undefined
      const entries = await inner.list(prefix, range)
      return edge && !range.reverse ? [edge, ...entries].slice(0, range.limit ?? entries.length + 1) : entries
    },
  })),
  mutant('prefix as a SQL pattern', 'a prefix is literal', (inner) => ({
    list: async (prefix, range) => {
      if (!/[%_]/.test(prefix)) return inner.list(prefix, range)
      const pattern = new RegExp(`^${prefix.replace(/%/g, '.*').replace(/_/g, '.')}`)
      return (await inner.list('', range)).filter((entry) => pattern.test(entry.key))
    },
  })),
  mutant(
    'expect ignored',
    'any expectation that fails',
    withExpect(() => []),
  ),
  mutant(
    'expected absence ignored',
    'any expectation that fails',
    withExpect((expect) => expect.filter(({ version }) => version !== null)),
  ),
  mutant(
    'only the first expectation',
    'any expectation that fails',
    withExpect((expect) => expect.slice(0, 1)),
  ),
  mutant('expect checked outside of the commit', 'parallel compare-and-swap', (inner) => ({
    async commit(writes, options) {
      for (const { key, version } of options?.expect ?? []) {
        const entry = await inner.get(key)
        if ((entry?.version ?? null) !== version) throw new SecureChatError('storage/conflict')
      }
      return inner.commit(writes)
    },
  })),
  mutant('versions that begin again with each key', 'a version does not fit again', (inner) => {
    const counts = new Map<string, number>()
    const seen = (entry: StoredEntry | undefined): StoredEntry | undefined => entry && { ...entry, version: counts.get(entry.key) ?? 1 }
    return {
      get: async (key) => seen(await inner.get(key)),
      getMany: async (keys) => (await inner.getMany(keys)).map(seen),
      list: async (prefix, range) => (await inner.list(prefix, range)).map((entry) => seen(entry)!),
      async commit(writes, options) {
        for (const { key, version } of options?.expect ?? []) {
          const entry = seen(await inner.get(key))
          if ((entry?.version ?? null) !== version) throw new SecureChatError('storage/conflict')
        }
        await inner.commit(writes)
        for (const write of writes) {
          if ('put' in write) counts.set(write.put, (counts.get(write.put) ?? 0) + 1)
          else counts.delete(write.delete)
        }
        return { version: Math.max(1, ...counts.values()) }
      },
    }
  }),
  mutant('watch that loses what happens while its listener runs', 'a commit made while a listener runs', ownWatch('drops while running')),
  mutant('watch that wakes once', 'a watch is told of every commit', ownWatch('first only')),
  mutant('watch that wakes too early', 'what a watch reports', ownWatch('too early')),
  mutant('watch that overlooks deletions', 'a watch is told of every commit', ownWatch('no deletions')),
  mutant('watch of everything', 'a watch names touched keys', ownWatch('any prefix')),
  mutant('close without effect', 'after close every call', () => ({ close: async () => {} })),
  mutant('values of a subclass', 'values are plain', (inner) => ({
    get: async (key) => {
      const entry = await inner.get(key)
      return entry && { ...entry, value: Buffer.from(entry.value) }
    },
  })),
]
