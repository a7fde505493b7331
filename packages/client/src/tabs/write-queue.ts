import type { Clock } from '@securechat/protocol'
import type { WriteQueue } from '../state/database.js'
import type { LockPort } from './lock.js'

/** A commit takes milliseconds; whoever holds its turn that long is frozen. */
const PATIENCE_MS = 5_000

export interface WriteQueueDeps {
  readonly lock: LockPort
  readonly name: string
  readonly clock: Clock
  readonly isCrowded: () => boolean
}

/** Turns of the tabs of one store at writing, by a lock of its own. The turn of a frozen tab is taken from it; what it commits later is judged by its expectations. */
export function createWriteQueue({ lock, name, clock, isCrowded }: WriteQueueDeps): WriteQueue {
  const never = new AbortController().signal
  const onWait = (): void => {}
  return {
    isCrowded,
    async enter() {
      const patience = new AbortController()
      const stop = clock.after(PATIENCE_MS, () => patience.abort())
      try {
        return await lock.acquire(name, { signal: patience.signal, onWait })
      } catch {
        // Without a turn it is a commit like any other, which may have to be tried again.
        return lock.acquire(name, { signal: never, onWait, steal: true }).catch(() => () => {})
      } finally {
        stop()
      }
    },
  }
}
