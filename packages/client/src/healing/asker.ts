import { asSecureChatError } from '@securechat/protocol'
import type { Context } from '../context.js'
import { wantedDevices } from '../state/healing.js'
import { PREFIX } from '../state/keys.js'
import { backoffMs, Signal, sleep } from '../waiting.js'
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
  const { storage, db, clock, random, logger } = context
  const signal = new Signal()
  let stopping: AbortController | undefined
  let unwatch = (): void => {}
  let done: Promise<void> = Promise.resolve()

  /** When to look again. */
  const round = async (): Promise<number | undefined> => {
    const devices = await wantedDevices(db)
    if (devices.length === 0) return undefined
    const self = await context.identity.self()
    let next: number | undefined
    for (const device of devices) {
      const due = await db.run((tx) => askAgain(context, tx, { self, device }))
      if (due !== undefined) next = Math.min(next ?? due, due)
    }
    return next
  }
  const loop = async (stopped: AbortSignal): Promise<void> => {
    for (let failures = 0; !stopped.aborted; ) {
      signal.take()
      let pause: number | undefined
      try {
        const next = await round()
        if (next !== undefined) pause = Math.max(next - clock.now(), 1)
        failures = 0
      } catch (error) {
        logger.warn('client.retry-later', { code: asSecureChatError(error, 'storage/unavailable').code })
        pause = backoffMs(++failures, { random })
      }
      if (stopped.aborted) return
      const woken = new AbortController()
      const end = (): void => woken.abort()
      stopped.addEventListener('abort', end)
      if (pause !== undefined) void sleep(clock, pause, woken.signal).then(end)
      await signal.wait(woken.signal)
      end()
      stopped.removeEventListener('abort', end)
    }
  }

  return {
    start() {
      if (stopping) return
      stopping = new AbortController()
      unwatch = storage.watch(PREFIX.wanted, () => signal.wake())
      done = loop(stopping.signal)
    },
    async stop() {
      unwatch()
      stopping?.abort()
      stopping = undefined
      await done
    },
  }
}
