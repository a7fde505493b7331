import { type Clock, isSecureChatError, type Random, SecureChatError, systemClock, systemRandom } from '@securechat/protocol'
import { boundsOf, type ClientStorage, checkCommit, checkKey, checkKeys, createWatchHub } from '@securechat/storage'
import { createConnection, databaseName } from './connection.js'
import { storageError } from './dom-errors.js'
import { createKeeping, setMark } from './keeping.js'
import { readMany, readRange, writeCommit } from './records.js'
import { openTabChannel } from './tabs.js'
import { begin, perform, type Work } from './transaction.js'

export interface IndexedDbStorageOptions {
  /** 1 to 64 characters of A–Z a–z 0–9 . _ -; stores of different names are independent. The database is called `securechat/NAME`. */
  readonly name: string
  /** Milliseconds after which an opening that other tabs block is given up with `storage/locked`. Default 10,000. */
  readonly openTimeoutMs?: number
  readonly clock?: Clock
  readonly random?: Random
}

const OPEN_TIMEOUT_MS = 10_000

function checkName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name)) throw new SecureChatError('client/invalid-argument', { detail: 'indexeddb name' })
}

const isClosedConnection = (error: unknown): boolean => error instanceof DOMException && error.name === 'InvalidStateError'

/**
 * A client store in IndexedDB, for pages and workers. It is opened by the first call; what stands in the way is that call's error.
 *
 * - A commit is one read-write transaction with its expectations checked inside: atomic between tabs. 'strict' and 'relaxed' are the
 *   transaction's durability; Safari before 15 ignores it.
 * - `watch` sees this instance's commits at once and those of other tabs and workers of the origin by BroadcastChannel; without one, only its own.
 *   A page that comes out of the back/forward cache has missed what was told meanwhile: read again on `pageshow`.
 * - `storage/full` is the origin's quota. `storage/locked`: another tab keeps an old connection open while the database is being deleted.
 *   `storage/unavailable` with 'deleted or replaced': another tab deleted the database, or the browser evicted or the user cleared the data;
 *   this instance never works again, so that nobody writes half a state into a new database. Watchers are woken (with an empty list) when the connection is lost.
 */
export function indexedDbStorage(options: IndexedDbStorageOptions): ClientStorage {
  const { name, openTimeoutMs = OPEN_TIMEOUT_MS, clock = systemClock, random = systemRandom } = options
  checkName(name)
  const hub = createWatchHub((size) => {
    if (size > 0) openChannel()
  })
  const connection = createConnection({ name, openTimeoutMs, clock, random, onLost: () => hub.touchedUnknown() })
  const pending = new Set<Promise<unknown>>()
  let channel: ReturnType<typeof openTabChannel>
  let closing: Promise<void> | undefined
  let full = false

  const openChannel = (): void => {
    channel ??= openTabChannel(databaseName(name), (keys) => (keys ? hub.touched(keys) : hub.touchedUnknown()))
  }
  const report = (keys: readonly string[]): void => {
    hub.touched(keys)
    openChannel()
    channel?.announce(keys)
  }
  const ensureOpen = (): void => {
    if (closing) throw new SecureChatError('storage/closed')
  }

  const attempt = async <T>(work: Work<T>): Promise<T> => {
    const database = await connection.database()
    let transaction: IDBTransaction
    try {
      transaction = begin(database, work)
    } catch (error) {
      if (!isClosedConnection(error)) throw error
      // The browser closed it (some do under memory pressure). Found out in the same turn by every call that waits, so they keep their order.
      connection.forget(database)
      transaction = begin(await connection.database(), work)
    }
    return perform(transaction, work)
  }
  /** `after` is part of the call: `close` waits for it too. */
  const run = <T>(work: Work<T>, after: (result: T) => void = () => {}): Promise<T> => {
    const running = attempt(work).then(
      (result) => {
        after(result)
        return result
      },
      (error: unknown) => {
        throw storageError(error)
      },
    )
    const settled = running.then(
      () => undefined,
      () => undefined,
    )
    pending.add(settled)
    void settled.then(() => pending.delete(settled))
    return running
  }

  return {
    async get(key) {
      ensureOpen()
      checkKey(key)
      return (await run(readMany([key])))[0]
    },
    async getMany(keys) {
      ensureOpen()
      const checked = checkKeys(keys)
      return run(readMany(checked))
    },
    async list(prefix, range) {
      ensureOpen()
      const bounds = boundsOf(prefix, range)
      return bounds ? run(readRange(bounds)) : []
    },
    async commit(writes, commitOptions) {
      ensureOpen()
      const checked = checkCommit(writes, commitOptions)
      // Announced within the call, so that a `close` that waits for it does not cost another tab its wake-up.
      try {
        const version = await run(writeCommit(checked), () => {
          if (checked.writes.size > 0) report([...checked.writes.keys()])
        })
        if (checked.writes.size > 0) full = false
        return { version }
      } catch (error) {
        if (!full && isSecureChatError(error, 'storage/full')) {
          full = true
          // Whoever watches what threatens the store looks now.
          hub.touchedUnknown()
        }
        throw error
      }
    },
    watch(prefix, listener) {
      ensureOpen()
      return hub.watch(prefix, listener)
    },
    keeping: createKeeping(name, () => ({ gone: connection.isGone(), full })),
    close() {
      closing ??= (async () => {
        hub.close()
        while (pending.size > 0) await Promise.all(pending)
        channel?.close()
        await connection.close()
      })()
      return closing
    },
  }
}

/**
 * Deletes a store for good, as at the end of an account. Other instances in all tabs lose it: their calls throw `storage/unavailable`.
 * Absent: no error. Throws `storage/locked` if a connection that does not give way blocks it (the deletion is still carried out once that closes).
 */
export async function deleteIndexedDbStorage(options: Pick<IndexedDbStorageOptions, 'name' | 'openTimeoutMs' | 'clock'>): Promise<void> {
  const { name, openTimeoutMs = OPEN_TIMEOUT_MS, clock = systemClock } = options
  checkName(name)
  if (typeof indexedDB === 'undefined') throw new SecureChatError('storage/unavailable', { detail: 'no IndexedDB here' })
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.after(openTimeoutMs, () => reject(new SecureChatError('storage/locked', { detail: 'indexeddb deletion' })))
    const request = indexedDB.deleteDatabase(databaseName(name))
    request.onsuccess = () => {
      cancel()
      resolve()
    }
    request.onerror = () => {
      cancel()
      reject(request.error)
    }
  }).catch((error: unknown) => {
    throw storageError(error)
  })
  // Nobody misses what was deleted on purpose.
  setMark(name, false)
}
