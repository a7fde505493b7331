import type { LiveQuery } from '@securechat/client'

/** Computed from the demo's state, anew after each change of it; the same reference while the result is equal. */
export class DemoState {
  readonly #listeners = new Set<() => void>()

  changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  live<T>(compute: () => T | undefined): LiveQuery<T> {
    let value: T | undefined
    let known: string | undefined
    const get = (): T | undefined => {
      const next = compute()
      const text = JSON.stringify(next, (_key, field: unknown) => (field instanceof Uint8Array ? field.length : field))
      if (text !== known) {
        known = text
        value = next
      }
      return value
    }
    return {
      get,
      subscribe: (onChange) => {
        const entry = () => onChange()
        this.#listeners.add(entry)
        return () => this.#listeners.delete(entry)
      },
    }
  }
}
