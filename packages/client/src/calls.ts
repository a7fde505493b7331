import type { Timestamp } from '@securechat/protocol'

/** What every call and every live view of the client has in common. */

export interface CallOptions {
  readonly signal?: AbortSignal
}

/** A live query: the current result and a signal when it changes; made for `useSyncExternalStore`. */
export interface LiveQuery<T> {
  /** The latest result, the same reference until it changes; undefined until the first load. */
  get(): T | undefined
  /** Loads on the first subscriber; calls back after each change. */
  subscribe(onChange: () => void): () => void
}

export interface ApproveOptions extends CallOptions {
  /**
   * Default: none. true: all messages that this device has; `since`: those from that time on. The new device gets contacts and chats with them, newest first,
   * in the background on both sides (`devices.history`).
   */
  readonly history?: boolean | { readonly since: Timestamp }
}
