import { background } from '../background.js'
import type { Context } from '../context.js'
import { wantedDevices } from '../state/healing.js'
import { PREFIX } from '../state/keys.js'
import { askAgain } from './request.js'

export interface Asker {
  start(): void
  stop(): Promise<void>
}

/**
 * Asks for what is missed, now or as soon as the hour is over. What is missed is in the store and the store is watched, so a process
 * that died before it asked asks when it is started again.
 */
export function createAsker(context: Context): Asker {
  const { storage, db, clock, logger } = context
  let unwatch: (() => void) | undefined

  /** Until when to look again. */
  const round = async (): Promise<number | undefined> => {
    const devices = await wantedDevices(db)
    if (devices.length === 0) return undefined
    const self = await context.identity.self()
    let next: number | undefined
    for (const device of devices) {
      const due = await db.run((tx) => askAgain(context, tx, { self, device }))
      if (due !== undefined) next = Math.min(next ?? due, due)
    }
    return next === undefined ? undefined : Math.max(next - clock.now(), 1)
  }
  const work = background(context, { round, onFailure: (code) => logger.warn('client.retry-later', { code }) })

  return {
    start() {
      unwatch ??= storage.watch(PREFIX.wanted, work.wake)
      work.start()
    },
    async stop() {
      unwatch?.()
      unwatch = undefined
      await work.stop()
    },
  }
}
