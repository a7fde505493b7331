/** What a platform says that may throw a store away, as browsers do with what is not persistent. */
export interface KeepingState {
  /** true: it does not throw the store away by itself. */
  readonly persisted: boolean
  /** The store was deleted while this instance had it open; it never works again. */
  readonly gone: boolean
  /** The last commit found no room. */
  readonly full: boolean
  /** Bytes used by and granted to all stores of the application's origin; undefined where the platform does not say. */
  readonly usageBytes: number | undefined
  readonly quotaBytes: number | undefined
}

/** For storage adapters of platforms that delete stores. */
export interface StorageKeeping {
  /** Asks nobody. Throws `storage/unavailable`. */
  state(): Promise<KeepingState>
  /** Asks the platform not to delete the store: call it in answer to a click, some ask the person. Throws `storage/unavailable`. */
  request(): Promise<boolean>
  /** Whether something worth keeping was in the store, noted beside it: a store that is deleted alone leaves the mark. No promise: what deletes everything of an origin takes it too. */
  marked(): boolean
  mark(worth: boolean): void
}
