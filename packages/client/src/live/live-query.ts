import { asSecureChatError, type Logger } from '@securechat/protocol'
import type { LiveQuery } from '../types.js'

export interface LiveSource<T> {
  /** Begins to watch; calls back with the touched keys, or with an empty list when it cannot say which. */
  watch(onChange: (keys: readonly string[]) => void): () => void
  /** `keys`: what was touched since the last load; undefined: everything may be new. Gives the same reference when nothing has changed. */
  load(keys: ReadonlySet<string> | undefined): Promise<T>
  readonly logger: Logger
}

/** Loads on the first subscriber, watches while there is one, and never runs two loads at once: what changes meanwhile makes one more. */
export function createLiveQuery<T>({ watch, load, logger }: LiveSource<T>): LiveQuery<T> {
  const listeners = new Set<() => void>()
  let value: T | undefined
  let unwatch: (() => void) | undefined
  let touched: Set<string> | undefined
  let dirty = false
  let loading = false

  const notify = (): void => {
    for (const listener of [...listeners]) {
      try {
        listener()
      } catch (error) {
        logger.error('client.listener-failed', { event: 'live', code: asSecureChatError(error, 'client/invalid-argument').code })
      }
    }
  }
  const refresh = async (): Promise<void> => {
    if (loading) return
    loading = true
    while (dirty && listeners.size > 0) {
      const keys = touched
      dirty = false
      touched = new Set()
      try {
        const next = await load(keys)
        if (next === value) continue
        value = next
        notify()
      } catch (error) {
        // The next change loads everything.
        touched = undefined
        logger.warn('client.live-query-failed', { code: asSecureChatError(error, 'storage/unavailable').code })
      }
    }
    loading = false
  }
  const change = (keys: readonly string[]): void => {
    dirty = true
    if (keys.length === 0) touched = undefined
    else for (const key of keys) touched?.add(key)
    void refresh()
  }

  return {
    get: () => value,
    subscribe(onChange) {
      // An own function each time: one listener subscribed twice is two subscriptions.
      const entry = (): void => onChange()
      listeners.add(entry)
      if (listeners.size === 1) {
        unwatch = watch(change)
        change([])
      }
      return () => {
        if (!listeners.delete(entry) || listeners.size > 0) return
        unwatch?.()
        unwatch = undefined
      }
    },
  }
}

/** The old list when it has the same items in the same order. */
export const sameList = <T>(before: readonly T[] | undefined, next: readonly T[]): readonly T[] =>
  before && before.length === next.length && before.every((item, i) => item === next[i]) ? before : Object.freeze(next.slice())
