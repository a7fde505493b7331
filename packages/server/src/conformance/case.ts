import type { Bus } from '../ports/bus.js'
import type { ServerStore } from '../ports/store.js'

/** How a suite makes what it tests. Every case opens its own, so cases may run in any order. */
export interface StoreContext {
  /** A new, empty store. */
  open(): Promise<ServerStore>
  /** Ends the store as a stopped process would and opens what it left behind; absent for stores that keep nothing. */
  reopen?(store: ServerStore): Promise<ServerStore>
}
export interface BusContext {
  /** Two ends of one new bus: what one publishes, both hear. In one process they are the same object. */
  open(): Promise<{ readonly a: Bus; readonly b: Bus; readonly close?: () => Promise<void> }>
  /** Resolves when what was published has arrived everywhere. */
  settle(): Promise<void>
}

/** One case, as data: run it with any test runner. It passes when `run` resolves. Cases without `requires` are the core: none may be skipped. */
export interface ConformanceCase<Context> {
  readonly name: string
  readonly requires?: 'reopen'
  run(context: Context): Promise<void>
}

export function expectThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`conformance: ${what}`)
}

/** Compares plain data and byte arrays by content. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const show = (value: unknown): string =>
    JSON.stringify(value, (_, field: unknown) => (field instanceof Uint8Array ? `bytes ${[...field].join(' ')}` : field === undefined ? '(absent)' : field)) ??
    '(absent)'
  const [a, b] = [show(actual), show(expected)]
  if (a !== b) throw new Error(`conformance: ${what}: got ${a.slice(0, 300)}, want ${b.slice(0, 300)}`)
}
