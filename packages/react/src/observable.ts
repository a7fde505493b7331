import type { LiveQuery } from '@securechat/client'

/** A value with subscribers, for `useSyncExternalStore`; `onActive` runs with the first subscriber and its result after the last one. */
export class Observable<T> {
  #value: T
  readonly #listeners = new Set<() => void>()
  readonly #onActive: (() => () => void) | undefined
  #deactivate: (() => void) | undefined

  constructor(value: T, onActive?: () => () => void) {
    this.#value = value
    this.#onActive = onActive
  }

  readonly get = (): T => this.#value

  set(value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const listener of [...this.#listeners]) listener()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    // One entry per subscription: the same function may subscribe twice.
    const entry = () => listener()
    this.#listeners.add(entry)
    if (this.#listeners.size === 1) this.#deactivate = this.#onActive?.()
    return () => {
      if (!this.#listeners.delete(entry) || this.#listeners.size > 0) return
      this.#deactivate?.()
      this.#deactivate = undefined
    }
  }
}

/** Like a live query, but with a value from the beginning. */
export type ActiveQuery<T> = Pick<Observable<T>, 'get' | 'subscribe'>

/** Follows `live` until the returned function is called; `onValue` also gets the value that is there already. */
export function follow<T>(live: LiveQuery<T>, onValue: (value: T) => void): () => void {
  const tell = (): void => {
    const value = live.get()
    if (value !== undefined) onValue(value)
  }
  const stop = live.subscribe(tell)
  tell()
  return stop
}
