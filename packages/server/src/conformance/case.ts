import { equalPublicBytes } from '@securechat/protocol'
import type { Bus } from '../ports/bus.js'
import type { ServerStore } from '../ports/store.js'

/** How a suite makes what it tests. Every case opens its own, so cases may run in any order. */
export interface StoreContext {
  /** A new, empty store. */
  open(): Promise<ServerStore>
  /** Ends the store as a stopped process would and opens what it left behind; absent for stores that keep nothing. */
  reopen?(store: ServerStore): Promise<ServerStore>
  /** A second instance on the same data, with connections of its own, as another node has it. Absent for a store that is `exclusive`: it is shared as the object it is. */
  share?(store: ServerStore): Promise<ServerStore>
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

/** The store as two nodes have it. */
export async function openTwice({ open, share }: StoreContext): Promise<[ServerStore, ServerStore]> {
  const store = await open()
  expectThat(share !== undefined || store.exclusive, 'a store that is not exclusive can be shared')
  return [store, share ? await share(store) : store]
}

export function expectThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`conformance: ${what}`)
}

/** Whether plain data and byte arrays have the same content. The order of keys says nothing, a field that is undefined is like one that is absent. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Uint8Array || b instanceof Uint8Array) return a instanceof Uint8Array && b instanceof Uint8Array && equalPublicBytes(a, b)
  if (Array.isArray(a) !== Array.isArray(b)) return false
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]))
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => isSame(left[key], right[key]))
}

/** Compares plain data and byte arrays by content. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (isSame(actual, expected)) return
  const show = (value: unknown): string =>
    JSON.stringify(value, (_, field: unknown) => (field instanceof Uint8Array ? `bytes ${[...field].join(' ')}` : field === undefined ? '(absent)' : field)) ??
    '(absent)'
  throw new Error(`conformance: ${what}: got ${show(actual).slice(0, 300)}, want ${show(expected).slice(0, 300)}`)
}
