import { equalPublicBytes } from '@securechat/protocol'

/** What the server keeps of a device's store (docs/protocol/06-transport.md, "Lease"). */
export interface StoredLease {
  readonly current: Uint8Array
  /** What the call that brought `current` had named; empty for none. */
  readonly before: Uint8Array
  /** What that call was answered: a repetition gets the same answer. */
  readonly kept: boolean
}

export interface LeaseSwap {
  /** Empty: the store has none. */
  readonly held: Uint8Array
  readonly next: Uint8Array
}

/** What is stored after the swap; `kept`: the store that asked is the one that asked last. For implementations of `AccountStore.swapLease`. */
export function swapLease(stored: StoredLease | undefined, { held, next }: LeaseSwap): StoredLease {
  if (!stored) return { current: next, before: held, kept: held.length === 0 }
  if (equalPublicBytes(stored.current, next) && equalPublicBytes(stored.before, held)) return stored
  return { current: next, before: held, kept: equalPublicBytes(stored.current, held) }
}
