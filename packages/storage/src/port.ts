import type { StorageKeeping } from './keeping.js'

/**
 * The client storage port. One flat, ordered map from text keys to bytes; everything a client must not lose goes through it.
 *
 * Rules that every adapter keeps (`./conformance` checks them):
 * - Keys are 1 to 256 characters of printable ASCII (0x20 to 0x7e), ordered by code unit. Prefixes may be empty.
 * - Operations of one instance take effect in the order of the calls, whether or not they are awaited.
 * - Every read sees one state of the store: never half a commit.
 * - Buffers never alias: what was passed in may be overwritten after the call, what came out belongs to the caller.
 *
 * Errors, all `SecureChatError`:
 * `client/invalid-argument` a key, prefix, range, write or option is not valid; `protocol/too-large` a value is over `STORAGE_LIMITS.valueBytes`;
 * `storage/conflict` an expectation does not hold; `storage/closed` after `close`; `storage/unavailable` the store cannot be reached now;
 * `storage/locked` somebody else holds it; `storage/full` no room; `storage/corrupt` what is stored cannot be read.
 * Whatever a call throws, it changed nothing.
 */

export const STORAGE_LIMITS = {
  /** Characters (= bytes, they are ASCII) of a key: fits every database's index entry. */
  keyCharacters: 256,
  /** Bytes of one value: rows are records, files belong elsewhere. */
  valueBytes: 32 * 1024 * 1024,
} as const

export interface StoredEntry {
  readonly key: string
  readonly value: Uint8Array
  /**
   * The store's commit counter (> 0) when this key was last written. It never repeats, not even after the key was deleted,
   * so a version that still fits means that nobody wrote in between.
   */
  readonly version: number
}

/** Bounds of a listing: both exclusive, both full keys (they need not exist, nor lie under the prefix). */
export interface Range {
  readonly after?: string
  readonly before?: string
  /** Most entries to return; 0 returns none. Without it: all. */
  readonly limit?: number
  /** From the last key to the first; `limit` then counts from the end. */
  readonly reverse?: boolean
}

/** Deleting an absent key is no error. If one commit names a key twice, its last write counts. */
export type Write = { readonly put: string; readonly value: Uint8Array } | { readonly delete: string }

/** What the caller saw: the key at this version, or (null) no such key. */
export interface Expectation {
  readonly key: string
  readonly version: number | null
}

export interface CommitOptions {
  /** All must hold at the moment of the commit, else `storage/conflict`. Keys need not be among those written. */
  readonly expect?: readonly Expectation[]
  /**
   * strict (default): on the disk, as far as the platform can say so, before the promise resolves; required before anything is sent or acknowledged
   * that depends on it. relaxed: still atomic and at once readable, but a power cut may undo it, and then also every relaxed commit after it;
   * a later strict commit makes earlier relaxed ones durable too.
   */
  readonly durability?: 'strict' | 'relaxed'
}

/** Called with the touched keys under the prefix, sorted. An empty list: something may have changed, the adapter cannot say what. */
export type WatchListener = (keys: readonly string[]) => void

export interface ClientStorage {
  /** Absent: undefined. Unavailable: throws `storage/…`. */
  get(key: string): Promise<StoredEntry | undefined>
  /** One result per key, in the order asked, all of one state. Absent: undefined in its place. Unavailable: throws `storage/…`. */
  getMany(keys: readonly string[]): Promise<(StoredEntry | undefined)[]>
  /** Entries whose key begins with `prefix`, in key order (`reverse`: backwards). Absent: an empty list. Unavailable: throws `storage/…`. */
  list(prefix: string, range?: Range): Promise<StoredEntry[]>
  /**
   * All writes or none. Conflict: `storage/conflict`. Unavailable: `storage/…`. After either the store is as before.
   * The version is the new commit counter, which every key put by this commit carries; with no writes only the expectations are
   * checked and the counter stays.
   */
  commit(writes: readonly Write[], options?: CommitOptions): Promise<{ readonly version: number }>
  /**
   * Calls the listener after each commit that touched a key under the prefix, this instance's own included. Commits may be reported together,
   * never before their data can be read, and a commit made while the listener runs is reported again. How far it sees commits of other
   * instances (tabs, processes) the adapter's documentation says. Returns the end of the watch; calling that twice has no effect.
   * A listener must not throw: the error surfaces as an uncaught one, as with an `EventTarget`.
   * Closed: throws `storage/closed`. After `close` no listener is called.
   */
  watch(prefix: string, listener: WatchListener): () => void
  /** Only where the platform may throw the store away. */
  readonly keeping?: StorageKeeping
  /** Idempotent. Waits for what was begun; afterwards every call throws `storage/closed`. */
  close(): Promise<void>
}

/** The reading half of the port. */
export type StorageReader = Pick<ClientStorage, 'get' | 'getMany' | 'list'>
