import { asSecureChatError, type ErrorCode } from '@securechat/protocol'
import type { Context } from './context.js'
import { backoffMs, Signal, sleep } from './waiting.js'

/** Work that is done again and again, one round at a time, until it is stopped. */
export interface Background {
  start(): void
  stop(): Promise<void>
  /** There may be something to do now. */
  wake(): void
}

export interface BackgroundWork {
  /** Resolves when a round makes sense, or when it is stopped. */
  readonly ready?: (stopped: AbortSignal) => Promise<void>
  /** Milliseconds until the next round; undefined: only when woken. */
  readonly round: () => Promise<number | undefined>
  /** A round has failed: the next one comes after a pause that grows. */
  readonly onFailure: (code: ErrorCode) => void
}

export function background({ clock, random }: Pick<Context, 'clock' | 'random'>, { ready, round, onFailure }: BackgroundWork): Background {
  const signal = new Signal()
  let stopping: AbortController | undefined
  let done: Promise<void> = Promise.resolve()

  const loop = async (stopped: AbortSignal): Promise<void> => {
    for (let failures = 0; !stopped.aborted; ) {
      await ready?.(stopped)
      if (stopped.aborted) return
      signal.take()
      let pause: number | undefined
      try {
        pause = await round()
        failures = 0
      } catch (error) {
        onFailure(asSecureChatError(error, 'server/internal').code)
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
