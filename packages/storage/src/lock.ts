/** What a lock makes when it is put on a store. */
export interface LockSecret {
  /** Kept beside the store, readable by everybody: a salt, a credential's id. At most 4 KiB. */
  readonly parameters: Uint8Array
  /** 32 bytes, kept nowhere: they encrypt the store's key. */
  readonly key: Uint8Array
}

/**
 * One way to open a sealed store: something that a person knows, or that this device holds. A store may have several, and each opens it; the
 * key under which rows are sealed stays the same, so locks come and go without a row being written anew.
 */
export interface StoreLock {
  /** Names the way: `passphrase`, `passkey`, `device`, `key`, or an application's own; at most 32 characters. */
  readonly kind: string
  create(): Promise<LockSecret>
  /** The key for parameters that `create` gave. Throws `storage/wrong-key` where this lock is not theirs; its other errors end the opening. */
  open(parameters: Uint8Array): Promise<Uint8Array>
}
