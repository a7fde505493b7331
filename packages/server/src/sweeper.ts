import type { Clock, Logger } from '@securechat/protocol'
import type { ServerStore } from './ports/store.js'

const DAY = 86_400_000
/** Rows of one kind that one step deletes: short transactions, between which messages are stored. */
const BATCH = 500
/** Milliseconds between two steps of one round. */
const PAUSE_MS = 50

export interface SweeperDeps {
  readonly store: Pick<ServerStore, 'sweep'>
  readonly clock: Clock
  readonly logger: Logger
  readonly intervalSeconds: number
  readonly mailboxDays: number
}

/** Deletes what has expired, round after round, until the returned function is called. A failed round is tried again with the next. */
export function startSweeper({ store, clock, logger, intervalSeconds, mailboxDays }: SweeperDeps): () => void {
  let stopped = false
  let cancel = (): void => {}
  const plan = (milliseconds: number): void => {
    if (!stopped) cancel = clock.after(milliseconds, step)
  }
  const step = (): void => {
    const now = clock.now()
    store.sweep({ now, mailboxBefore: now - mailboxDays * DAY, limit: BATCH }).then(
      (swept) => plan(swept > 0 ? PAUSE_MS : intervalSeconds * 1000),
      () => {
        logger.warn('sweep-failed')
        plan(intervalSeconds * 1000)
      },
    )
  }
  plan(intervalSeconds * 1000)
  return () => {
    stopped = true
    cancel()
  }
}
