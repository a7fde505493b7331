import type { Clock } from '@securechat/protocol'

export interface TestClock extends Clock {
  /** Fires what falls due, in order, with the host's queues emptied in between. */
  advance(milliseconds: number): Promise<void>
  /** Moves the wall clock without firing timers in between (a suspended machine); overdue ones fire afterwards. */
  sleep(milliseconds: number): Promise<void>
  /** Sets the wall clock back: timers keep their remaining time. */
  setBack(milliseconds: number): void
  readonly timers: number
}

/** Empties the microtask queue and lets one round of host tasks run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export function testClock(start = 1_700_000_000_000): TestClock {
  let steady = 0
  let offset = start
  let order = 0
  const timers = new Set<{ due: number; order: number; callback: () => void }>()
  const fire = async (until: number): Promise<void> => {
    await turn()
    for (;;) {
      const [next] = [...timers].filter((timer) => timer.due <= until).sort((a, b) => a.due - b.due || a.order - b.order)
      if (!next) break
      timers.delete(next)
      steady = Math.max(steady, next.due)
      next.callback()
      await turn()
    }
    steady = Math.max(steady, until)
  }
  return {
    now: () => steady + offset,
    after(milliseconds, callback) {
      const timer = { due: steady + Math.max(0, milliseconds), order: order++, callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance: (milliseconds) => fire(steady + milliseconds),
    async sleep(milliseconds) {
      steady += milliseconds
      await fire(steady)
    },
    setBack: (milliseconds) => {
      offset -= milliseconds
    },
    get timers() {
      return timers.size
    },
  }
}

/** Mulberry32 (public domain). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
