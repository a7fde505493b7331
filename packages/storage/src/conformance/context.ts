import { type ErrorCode, isSecureChatError } from '@securechat/protocol'
import type { ClientStorage, StoredEntry } from '../port.js'

/**
 * What an adapter may lack. The set is closed; cases without `requires` are the core and hold for every adapter.
 * reopen: a store that was closed and is opened again has its data. several: one name may be opened twice at a time, with `expect` and atomicity
 * holding between the two. remote-watch: and `watch` of one sees the commits of the other.
 */
export type StorageCapability = 'reopen' | 'several' | 'remote-watch'

export interface StorageConformanceContext {
  /**
   * Opens the store of that name (lower-case letters; default 'main'). Names are independent stores, and empty at the beginning of a case;
   * within a case the same name reaches the same data. Opened stores need not be closed by the case.
   */
  open(name?: string): Promise<ClientStorage>
}

export interface StorageConformanceCase {
  readonly name: string
  readonly requires?: StorageCapability
  /** Rejects with an Error that says what was expected. */
  run(context: StorageConformanceContext): Promise<void>
}

export const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)

export function check(condition: boolean, expected: string): asserts condition {
  if (!condition) throw new Error(`storage conformance: expected ${expected}`)
}

export function checkSame(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual) ?? 'undefined', JSON.stringify(expected) ?? 'undefined']
  check(a === b, `${what} to be ${b}, got ${a}`)
}

export const keysOf = (entries: readonly StoredEntry[]): string[] => entries.map((entry) => entry.key)

export async function checkValue(storage: ClientStorage, key: string, value: readonly number[] | undefined): Promise<void> {
  const entry = await storage.get(key)
  checkSame(entry && [...entry.value], value, `the value of "${key}"`)
}

export async function checkRejects(work: () => unknown, code: ErrorCode, what: string): Promise<void> {
  let error: unknown
  try {
    await work()
  } catch (caught) {
    error = caught
  }
  const got = error === undefined ? 'no error' : isSecureChatError(error) ? error.code : `the untyped ${String(error)}`
  check(isSecureChatError(error, code), `${what} to throw ${code}, got ${got}`)
}

/** Generous, because polling adapters need their interval; only a failing case waits so long. */
const WAIT_MS = 5_000

/** Collects what a listener was told, and waits for it without polling. */
export function recorder(): {
  listener: (keys: readonly string[]) => void
  calls: (readonly string[])[]
  until(done: () => boolean, what: string): Promise<void>
} {
  const calls: (readonly string[])[] = []
  const waiting = new Set<() => void>()
  return {
    calls,
    listener: (keys) => {
      calls.push(keys)
      for (const wake of waiting) wake()
    },
    until: (done, what) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void): void => {
          clearTimeout(timer)
          waiting.delete(attempt)
          settle()
        }
        const attempt = (): void => {
          if (done()) end(resolve)
        }
        const timer = setTimeout(() => end(() => reject(new Error(`storage conformance: expected ${what}`))), WAIT_MS)
        waiting.add(attempt)
        attempt()
      }),
  }
}

/** Lets everything run that is already under way in this process, a few turns of the event loop. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 0))
}
