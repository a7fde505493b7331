import { storageError } from './dom-errors.js'

export const STORE = 'entries'

export interface Steps<T> {
  readonly store: IDBObjectStore
  /** Calls back with the request's result. The transaction stays alive only through requests, so nothing may be awaited in between. */
  when<R>(request: IDBRequest<R>, next: (result: R) => void): void
  /** The result; a writing transaction resolves with it once it is complete, a reading one at once. */
  done(result: T): void
}

/** What one transaction does. */
export interface Work<T> {
  readonly write: boolean
  readonly strict: boolean
  steps(steps: Steps<T>): void
}

/** Throws a DOMException `InvalidStateError` if the connection is closed. */
export function begin(database: IDBDatabase, { write, strict }: Work<unknown>): IDBTransaction {
  // Named always: Chromium's default is relaxed, on the disk some time later.
  return database.transaction(STORE, write ? 'readwrite' : 'readonly', { durability: strict ? 'strict' : 'relaxed' })
}

/** Does the work. Whatever its steps throw, now or in a callback, aborts the transaction: nothing of it stays, and the promise rejects with that error. */
export function perform<T>(transaction: IDBTransaction, { write, steps }: Work<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let result: { value: T } | undefined
    let failure: { error: unknown } | undefined
    const attempt = (step: () => void): void => {
      if (failure) return
      try {
        step()
      } catch (error) {
        failure = { error }
        transaction.abort()
      }
    }
    transaction.oncomplete = () => {
      if (result) resolve(result.value)
      else reject(storageError(new Error('the transaction ended without a result')))
    }
    transaction.onabort = () => reject(storageError(failure ? failure.error : transaction.error))
    attempt(() =>
      steps({
        store: transaction.objectStore(STORE),
        when: (request, next) => {
          request.onsuccess = () => attempt(() => next(request.result))
        },
        done: (value) => {
          result = { value }
          if (!write) resolve(value)
        },
      }),
    )
  })
}
