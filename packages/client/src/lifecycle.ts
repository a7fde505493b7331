import { asSecureChatError, isSecureChatError } from '@securechat/protocol'

export interface Lifecycle {
  readonly running: boolean
  start(): Promise<void>
  close(): Promise<void>
}

interface Run {
  readonly controller: AbortController
  readonly ready: Promise<void>
}

/**
 * Start and close in any order and number, as a UI framework calls them: a start after a close waits for its end, a close ends a
 * start that still waits (for another tab) without an error.
 */
export function createLifecycle({ open, close }: { open: (signal: AbortSignal) => Promise<void>; close: () => Promise<void> }): Lifecycle {
  let run: Run | undefined
  let closing: Promise<void> = Promise.resolve()

  const begin = (): Run => {
    const controller = new AbortController()
    const ready = closing
      .then(() => (controller.signal.aborted ? undefined : open(controller.signal)))
      .catch((error: unknown) => {
        if (controller.signal.aborted && isSecureChatError(error, 'request/aborted')) return
        if (run?.controller === controller) run = undefined
        throw asSecureChatError(error, 'storage/unavailable')
      })
    return { controller, ready }
  }

  return {
    get running() {
      return run !== undefined
    },
    start() {
      run ??= begin()
      return run.ready
    },
    close() {
      const ended = run
      run = undefined
      ended?.controller.abort()
      // Also without a start: a call may have opened a connection.
      closing = Promise.all([closing, ended?.ready.catch(() => undefined)]).then(close)
      return closing
    },
  }
}
