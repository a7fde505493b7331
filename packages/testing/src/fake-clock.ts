import type { Clock } from '@securechat/protocol'

interface Timer {
  readonly due: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that stands until it is moved. Timers fire in the order of their times, each with `now()` at its time. */
export interface FakeClock extends Clock {
  /** Moves the time and fires what falls due; between two timers whatever they started may run (see `turn`). */
  advance(milliseconds: number): Promise<void>
  /** Jumps without firing in between, as a suspended machine does: everything overdue fires at the new time. */
  jump(milliseconds: number): Promise<void>
  /** Time of the next timer; undefined when none waits. */
  next(): number | undefined
}

/**
 * Lets everything run that is ready: microtasks and, by a message channel, one round of the host's task queue. Works in
 * Node and in browsers and, unlike `setTimeout`, is neither clamped nor throttled.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

export function createFakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start
  let count = 0
  const timers = new Set<Timer>()

  const earliest = (): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) first = timer
    return first
  }
  const fireUntil = async (end: number): Promise<void> => {
    await turn()
    for (let timer = earliest(); timer && timer.due <= end; timer = earliest()) {
      timers.delete(timer)
      now = Math.max(now, timer.due)
      timer.callback()
      await turn()
    }
    now = Math.max(now, end)
  }

  return {
    now: () => now,
    after(milliseconds, callback) {
      const timer = { due: now + Math.max(0, Math.ceil(milliseconds)), order: count++, callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance: (milliseconds) => fireUntil(now + milliseconds),
    async jump(milliseconds) {
      now += milliseconds
      await fireUntil(now)
    },
    next: () => earliest()?.due,
  }
}
