import { type Clock, isSecureChatError, type Random, SecureChatError } from '@securechat/protocol'
import type { ClientStorage, CommitOptions, Expectation, Range, Write } from '@securechat/storage'
import { fraction, sleep } from '../waiting.js'

export interface Entry {
  readonly key: string
  readonly value: Uint8Array
}

export interface Reader {
  get(key: string): Promise<Uint8Array | undefined>
  list(prefix: string, range?: Range): Promise<Entry[]>
}

/** Reads see the writes made in it (`list` does not). Whatever it read must still hold when it commits. */
export interface Transaction extends Reader {
  /** Reads many keys with one call to the store, so that the `get`s that follow cost nothing. */
  prefetch(keys: readonly string[]): Promise<void>
  put(key: string, value: Uint8Array): void
  delete(key: string): void
  /** Runs a part that may fail alone: when it throws, its writes and actions are taken back and the rest goes on. */
  part<T>(work: () => Promise<T>): Promise<T>
  /** Runs after the commit and only then: events, wake-ups. Must not throw. */
  afterCommit(action: () => void): void
}

export interface Database extends Reader {
  /**
   * Prepare purely, commit once: `work` reads and lists its writes, which then are ONE commit. When another tab or process wrote in
   * between, it runs again, so it must have no effects of its own and wait for nothing but the store. One at a time in this process.
   */
  run<T>(work: (tx: Transaction) => Promise<T>, options?: Pick<CommitOptions, 'durability'>): Promise<T>
  /** The same database, whose commits hold only while `guard` does. They throw `storage/locked` once it is broken. */
  guarded(guard: CommitGuard): Database
}

export interface CommitGuard {
  /** What each commit expects besides; may throw. */
  expectation(): Expectation | undefined
  isBroken(): Promise<boolean>
  /** A commit has met the broken guard. */
  onBroken(): void
}

/** Turns at writing, for tabs that write as fast as they can. For fairness alone: what keeps the data whole are the expectations of each commit. */
export interface WriteQueue {
  /** Others are there: better to wait for the turn from the start. */
  isCrowded(): boolean
  /** Waits for the turn; gives its end. Never rejects. */
  enter(): Promise<() => void>
}

/** Of one commit. With a queue only those conflict who wrote out of turn, each once: it is there for processes without one. */
const TRIES = 16
/** Tries that follow one another at once; from then on each waits a moment of its own, so that not everybody comes again together. */
const AT_ONCE = 4
const LONGEST_PAUSE_MS = 64

export interface DatabaseDeps {
  readonly clock: Clock
  readonly random: Random
  readonly queue?: WriteQueue | undefined
}

function createTransaction(storage: ClientStorage) {
  const seen = new Map<string, Expectation>()
  const cache = new Map<string, Uint8Array | undefined>()
  const writes = new Map<string, Write>()
  const actions: (() => void)[] = []
  const undo: (() => void)[] = []

  const write = (key: string, value: Uint8Array | undefined): void => {
    const [known, cached, written] = [cache.has(key), cache.get(key), writes.get(key)]
    undo.push(() => {
      if (known) cache.set(key, cached)
      else cache.delete(key)
      if (written) writes.set(key, written)
      else writes.delete(key)
    })
    cache.set(key, value)
    writes.set(key, value ? { put: key, value } : { delete: key })
  }
  const note = (key: string, entry: { value: Uint8Array; version: number } | undefined): void => {
    if (!seen.has(key)) seen.set(key, { key, version: entry?.version ?? null })
    if (!cache.has(key)) cache.set(key, entry?.value)
  }
  const tx: Transaction = {
    async get(key) {
      if (!cache.has(key)) note(key, await storage.get(key))
      return cache.get(key)
    },
    async list(prefix, range) {
      const entries = await storage.list(prefix, range)
      for (const entry of entries) if (!seen.has(entry.key)) seen.set(entry.key, { key: entry.key, version: entry.version })
      return entries
    },
    async prefetch(keys) {
      const missing = [...new Set(keys)].filter((key) => !cache.has(key))
      if (missing.length === 0) return
      const entries = await storage.getMany(missing)
      for (const [index, key] of missing.entries()) note(key, entries[index])
    },
    put: write,
    delete: (key) => write(key, undefined),
    async part(work) {
      const [undone, done] = [undo.length, actions.length]
      try {
        return await work()
      } catch (error) {
        while (undo.length > undone) undo.pop()?.()
        actions.length = done
        throw error
      }
    },
    afterCommit: (action) => void actions.push(action),
  }
  return { tx, seen, writes, actions }
}

export function createDatabase(storage: ClientStorage, { clock, random, queue }: DatabaseDeps): Database {
  let tail: Promise<unknown> = Promise.resolve()
  const never = new AbortController().signal

  type Options = Pick<CommitOptions, 'durability'> & { readonly guard?: CommitGuard }
  const attempt = async <T>(work: (tx: Transaction) => Promise<T>, options: Options): Promise<T> => {
    let leave: (() => void) | undefined
    try {
      return await tryOften(work, options, async (failures) => {
        if (queue && !leave && (failures > 0 || queue.isCrowded())) leave = await queue.enter()
      })
    } finally {
      leave?.()
    }
  }
  const tryOften = async <T>(work: (tx: Transaction) => Promise<T>, { guard, ...options }: Options, turn: (failures: number) => Promise<void>): Promise<T> => {
    for (let left = TRIES; ; left--) {
      await turn(TRIES - left)
      const { tx, seen, writes, actions } = createTransaction(storage)
      const guarding = guard?.expectation()
      const result = await work(tx)
      try {
        if (writes.size > 0) await storage.commit([...writes.values()], { ...options, expect: [...seen.values(), ...(guarding ? [guarding] : [])] })
      } catch (error) {
        if (isSecureChatError(error, 'storage/conflict')) {
          if (guard && (await guard.isBroken())) {
            guard.onBroken()
            throw new SecureChatError('storage/locked', { detail: 'another tab leads', cause: error })
          }
          if (left > 1) {
            const waited = TRIES - left - AT_ONCE
            if (waited >= 0) await sleep(clock, fraction(random) * Math.min(2 ** waited, LONGEST_PAUSE_MS), never)
            continue
          }
        }
        throw error
      }
      for (const action of actions) action()
      return result
    }
  }

  const database = (guard?: CommitGuard): Database => ({
    get: async (key) => (await storage.get(key))?.value,
    list: (prefix, range) => storage.list(prefix, range),
    run(work, options = {}) {
      const result = tail.then(() => attempt(work, { ...options, ...(guard && { guard }) }))
      // Whoever comes next waits for the end, however it ends.
      tail = result.then(
        () => undefined,
        () => undefined,
      )
      return result
    },
    guarded: database,
  })
  return database()
}
