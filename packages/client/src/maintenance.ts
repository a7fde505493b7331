import { asSecureChatError } from '@securechat/protocol'
import type { Context } from './context.js'
import type { Manifests } from './devices/manifests.js'
import { tendPreKeys } from './devices/prekeys.js'
import { renewManifest } from './devices/renewal.js'
import { sweep } from './state/sweep.js'
import { backoffMs, fraction, Signal, sleep } from './waiting.js'

export interface Maintenance {
  start(): void
  stop(): Promise<void>
  /** There may be something to do now. */
  wake(): void
}

const HOUR = 3_600_000
/** Between two rounds, and up to half as much again. */
const EVERY_MS = 6 * HOUR

/** Prekeys, the own manifest, and what has become old: after every connect, when the server says so, and some times a day. */
export function createMaintenance(context: Context, manifests: Manifests): Maintenance {
  const { network, clock, random, logger } = context
  let stopping: AbortController | undefined
  let done: Promise<void> = Promise.resolve()
  const signal = new Signal()

  const round = async (): Promise<void> => {
    try {
      await tendPreKeys(context)
      await renewManifest(context, manifests)
    } finally {
      // What has become old goes whether or not the server could be asked: keys must not outlive their time for its sake.
      await sweep(context, clock.now())
    }
  }
  const loop = async (stopped: AbortSignal): Promise<void> => {
    for (let failures = 0; !stopped.aborted; ) {
      await network.untilOnline(stopped)
      if (stopped.aborted) return
      signal.take()
      try {
        await round()
        failures = 0
      } catch (error) {
        logger.debug('client.maintenance-later', { code: asSecureChatError(error, 'server/internal').code })
        failures++
      }
      if (stopped.aborted) return
      const woken = new AbortController()
      const pause = failures > 0 ? backoffMs(failures, { random }) : Math.floor(EVERY_MS * (1 + fraction(random) / 2))
      const end = (): void => woken.abort()
      stopped.addEventListener('abort', end)
      void sleep(clock, pause, woken.signal).then(end)
      await signal.wait(woken.signal)
      end()
      stopped.removeEventListener('abort', end)
    }
  }

  return {
    start() {
      if (stopping) return
      stopping = new AbortController()
      done = loop(stopping.signal)
    },
    async stop() {
      stopping?.abort()
      stopping = undefined
      await done
    },
    wake: () => signal.wake(),
  }
}
