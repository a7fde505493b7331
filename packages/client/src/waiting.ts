import { type Clock, type Random, readU32, SecureChatError } from '@securechat/protocol'

/** Resolves after `milliseconds`, or at once when `signal` aborts; whoever waits looks at the signal afterwards. */
export function sleep(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(milliseconds, end)
    signal.addEventListener('abort', end)
  })
}

const BASE_MS = 1_000
const CAP_MS = 60_000

/** Uniform in [0, 1). */
export const fraction = (random: Random): number => readU32(random(4), 0) / 0x1_0000_0000

/** Half fixed, half jitter: never at once, never in step with others. `failures` counts from 1. A server may ask for longer. */
export function backoffMs(failures: number, { random, retryAfterSeconds = 0 }: { random: Random; retryAfterSeconds?: number | undefined }): number {
  const full = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures - 1, 16))
  return Math.max(Math.floor((full / 2) * (1 + fraction(random))), Math.min(Math.ceil(retryAfterSeconds), 3_600) * 1_000)
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new SecureChatError('request/aborted')
}

/** A wake-up that is not lost when it comes before somebody waits. */
export class Signal {
  #woken = false
  #resolve: (() => void) | undefined

  wake(): void {
    this.#woken = true
    this.#resolve?.()
  }

  /** Whether there was a wake-up that nobody has waited for; it is used up. */
  take(): boolean {
    const woken = this.#woken
    this.#woken = false
    return woken
  }

  /** Resolves at the next `wake`, at once if there was one since the last wait, or when `signal` aborts. One waits at a time. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#resolve = undefined
        this.#woken = false
        signal.removeEventListener('abort', end)
        resolve()
      }
      if (this.#woken || signal.aborted) return end()
      this.#resolve = end
      signal.addEventListener('abort', end)
    })
  }
}
