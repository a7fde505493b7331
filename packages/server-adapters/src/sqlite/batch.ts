import { isSecureChatError, SecureChatError } from '@securechat/protocol'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'

/** Milliseconds that an acknowledgement waits for a batch to ride in; nobody waits for it. */
const LAZY_MS = 10

interface Job {
  readonly run: () => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Group commit: whatever is asked for in one turn of the event loop is one transaction, so one sync of the disk, and every
 * promise resolves after it. That sync is what "acknowledged" means (docs/guides/server.md).
 */
export interface Batch {
  /** `run` is synchronous and either does all of its writes or, by throwing before the first, none. */
  write<T>(run: () => T): Promise<T>
  /** As `write`, but it may wait for others to ride with. */
  lazyWrite<T>(run: () => T): Promise<T>
  /** Outside of transactions; what is committed. */
  read<T>(run: () => T): T
  /** Runs what waits, then refuses more. */
  close(): void
}

export interface BatchHooks {
  /** Inside the transaction, after the last job. */
  beforeCommit(): void
  /** The transaction was rolled back: what was remembered of its writes is wrong. */
  afterRollback(): void
}

/** Store errors as the port has them: `server/unavailable`, or `storage/full`. */
const portError = (error: unknown): unknown =>
  isSecureChatError(error) && error.code.startsWith('storage/') && error.code !== 'storage/full'
    ? new SecureChatError('server/unavailable', { detail: 'store', cause: error })
    : error

export function createBatch(database: SqlDriver, hooks: BatchHooks): Batch {
  let jobs: Job[] = []
  let urgent: NodeJS.Immediate | undefined
  let lazy: NodeJS.Timeout | undefined
  let closed = false

  const runAll = (batch: readonly Job[]): unknown[] => {
    try {
      return database.transaction(() => {
        const results = batch.map(({ run }) => run())
        hooks.beforeCommit()
        return results
      })
    } catch (error) {
      hooks.afterRollback()
      throw error
    }
  }
  const flush = (): void => {
    clearImmediate(urgent)
    clearTimeout(lazy)
    urgent = lazy = undefined
    const batch = jobs
    jobs = []
    if (batch.length === 0) return
    try {
      const results = runAll(batch)
      for (const [index, job] of batch.entries()) job.resolve(results[index])
    } catch (error) {
      if (batch.length === 1) {
        batch[0]!.reject(portError(error))
        return
      }
      // One bad job must not fail its neighbours: again, each alone.
      for (const job of batch) {
        try {
          job.resolve(runAll([job])[0])
        } catch (own) {
          job.reject(portError(own))
        }
      }
    }
  }
  const add = <T>(run: () => T): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (closed) return reject(new SecureChatError('server/unavailable', { detail: 'store closed' }))
      jobs.push({ run, resolve: resolve as (result: unknown) => void, reject })
    })

  return {
    write(run) {
      const done = add(run)
      if (!closed) urgent ??= setImmediate(flush)
      return done
    },
    lazyWrite(run) {
      const done = add(run)
      if (!closed && !urgent) lazy ??= setTimeout(flush, LAZY_MS)
      return done
    },
    read(run) {
      if (closed) throw new SecureChatError('server/unavailable', { detail: 'store closed' })
      try {
        return run()
      } catch (error) {
        throw portError(error)
      }
    },
    close() {
      if (closed) return
      flush()
      closed = true
    },
  }
}
