import { SecureChatError } from '@securechat/protocol'
import { checkPrefix } from './checks.js'
import type { WatchListener } from './port.js'

/** The bookkeeping of `watch`, shared by the adapters. */
export interface WatchHub {
  watch(prefix: string, listener: WatchListener): () => void
  /** To be called once the keys' new state can be read. */
  touched(keys: Iterable<string>): void
  /** Somebody else wrote, it is not known what: wakes every listener with an empty list. */
  touchedUnknown(): void
  /** Listeners at the moment. */
  readonly size: number
  /** Ends every watch; nothing pending is delivered any more. */
  close(): void
}

interface Subscription {
  readonly prefix: string
  readonly listener: WatchListener
  readonly pending: Set<string>
  unknown: boolean
  scheduled: boolean
  active: boolean
}

function deliver(subscription: Subscription): void {
  subscription.scheduled = false
  if (!subscription.active) return
  const keys = subscription.unknown ? [] : [...subscription.pending].sort()
  // Emptied before the call: what the listener itself commits is a new wake-up, not a lost one.
  subscription.pending.clear()
  subscription.unknown = false
  subscription.listener(keys)
}

/** `onSize` is told the number of listeners whenever it changes, for adapters that need a timer or a channel only while somebody listens. */
export function createWatchHub(onSize: (size: number) => void = () => {}): WatchHub {
  const subscriptions = new Set<Subscription>()
  let closed = false

  const schedule = (subscription: Subscription): void => {
    if (subscription.scheduled) return
    subscription.scheduled = true
    queueMicrotask(() => deliver(subscription))
  }

  return {
    watch(prefix, listener) {
      if (closed) throw new SecureChatError('storage/closed')
      checkPrefix(prefix)
      if (typeof listener !== 'function') throw new SecureChatError('client/invalid-argument', { detail: 'storage listener' })
      const subscription: Subscription = { prefix, listener, pending: new Set(), unknown: false, scheduled: false, active: true }
      subscriptions.add(subscription)
      onSize(subscriptions.size)
      return () => {
        subscription.active = false
        if (subscriptions.delete(subscription)) onSize(subscriptions.size)
      }
    },
    touched(keys) {
      for (const key of keys) {
        for (const subscription of subscriptions) {
          if (!key.startsWith(subscription.prefix)) continue
          subscription.pending.add(key)
          schedule(subscription)
        }
      }
    },
    touchedUnknown() {
      for (const subscription of subscriptions) {
        subscription.unknown = true
        schedule(subscription)
      }
    },
    get size() {
      return subscriptions.size
    },
    close() {
      closed = true
      for (const subscription of subscriptions) subscription.active = false
      const had = subscriptions.size
      subscriptions.clear()
      if (had > 0) onSize(0)
    },
  }
}
