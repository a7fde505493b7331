import { type Clock, type Random, SecureChatError, toBase64Url } from '@securechat/protocol'
import { storageError } from './dom-errors.js'
import { createStore } from './keyval.js'
import { identify } from './records.js'
import { STORE } from './transaction.js'

/** Names of databases that are ours. */
export const databaseName = (name: string): string => `securechat/${name}`

export interface ConnectionOptions {
  readonly name: string
  readonly openTimeoutMs: number
  readonly clock: Clock
  readonly random: Random
  /** The connection was taken away (another tab deletes or upgrades the database, or the data was cleared). */
  onLost(): void
}

export interface Connection {
  /** The open database; the same promise for all callers, so that calls keep their order. A failure is forgotten, the next call tries again. */
  database(): Promise<IDBDatabase>
  /** That database refused a transaction because it is closed: the next call opens it again. */
  forget(database: IDBDatabase): void
  /** It was deleted, or is another one now: this instance never works again. */
  isGone(): boolean
  close(): Promise<void>
}

/**
 * idb-keyval opens the database and makes its object store; the raw handle is taken from it, because its own transactions know neither
 * durability nor a second request. Its open request cannot be asked whether it is blocked (by a deletion that waits for another tab), hence the time limit.
 */
function open({ name, openTimeoutMs, clock }: ConnectionOptions): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    let late = false
    const cancel = clock.after(openTimeoutMs, () => {
      late = true
      reject(new SecureChatError('storage/locked', { detail: 'indexeddb open' }))
    })
    const opening = (async () => {
      // Asked here and not by idb-keyval, whose ReferenceError would tell nobody what is missing.
      if (typeof indexedDB === 'undefined') throw new SecureChatError('storage/unavailable', { detail: 'no IndexedDB here' })
      return createStore(databaseName(name), STORE)('readonly', (store) => store.transaction.db)
    })()
    opening.then(
      (database) => {
        cancel()
        // Nobody waits for it any more, and an open connection would block others.
        if (late) database.close()
        else resolve(database)
      },
      (error: unknown) => {
        cancel()
        reject(storageError(error))
      },
    )
  })
}

export function createConnection(options: ConnectionOptions): Connection {
  let opening: Promise<IDBDatabase> | undefined
  let current: IDBDatabase | undefined
  let id: string | undefined
  let replaced = false

  const forget = (database: IDBDatabase): void => {
    if (current !== database) return
    current = undefined
    opening = undefined
  }

  const connect = async (): Promise<IDBDatabase> => {
    if (replaced) throw new SecureChatError('storage/unavailable', { detail: 'indexeddb was deleted or replaced' })
    const database = await open(options)
    current = database
    database.onversionchange = () => {
      // Not to answer would block the tab that deletes or upgrades it.
      replaced = true
      forget(database)
      database.close()
      options.onLost()
    }
    database.onclose = () => {
      forget(database)
      options.onLost()
    }
    try {
      const found = await identify(database, toBase64Url(options.random(16)))
      id ??= found
      if (found !== id) {
        // The data was cleared and the database made anew: what this instance's caller knows of it is not so any more.
        replaced = true
        throw new SecureChatError('storage/unavailable', { detail: 'indexeddb was deleted or replaced' })
      }
      return database
    } catch (error) {
      forget(database)
      database.close()
      throw storageError(error)
    }
  }

  return {
    database() {
      if (!opening) {
        const attempt = connect()
        opening = attempt
        attempt.catch(() => {
          if (opening === attempt) opening = undefined
        })
      }
      return opening
    },
    forget,
    isGone: () => replaced,
    async close() {
      const database = await opening?.catch(() => undefined)
      database?.close()
    },
  }
}
