import { describe, expect, test, vi } from 'vitest'
import { casesFor } from '../src/conformance/index.js'
import { mutants } from './mutants.js'

/** Names of the cases that a mutant fails. Fake timers let a case that waits for a wake-up fail at once. */
async function failuresOf(context: (typeof mutants)[number]['context']): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of casesFor(['reopen', 'several'])) {
    vi.useFakeTimers()
    let done = false
    const outcome = run(context()).then(
      () => undefined,
      () => failed.push(name),
    )
    void outcome.then(() => {
      done = true
    })
    while (!done) await vi.advanceTimersByTimeAsync(1_000)
    vi.useRealTimers()
  }
  return failed
}

describe('every deliberate mutant is caught', () => {
  for (const { name, caughtBy, context } of mutants) {
    test(name, async () => {
      const failed = await failuresOf(context)
      expect(failed.filter((one) => one.startsWith(caughtBy))).not.toEqual([])
    })
  }
})
