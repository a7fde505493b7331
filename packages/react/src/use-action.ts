import type { Client } from '@securechat/client'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useClient } from './hooks.js'
import { asError } from './query.js'

export type Outcome<R> = { readonly ok: true; readonly value: R } | { readonly ok: false; readonly error: Error }

export interface Action<Args extends readonly unknown[], R> {
  /** Never rejects, so that an event handler needs no catch: the outcome says how it went. Keeps its identity. */
  readonly run: (...args: Args) => Promise<Outcome<R>>
  /** At least one run is under way. */
  readonly pending: boolean
  /** Of the latest run; gone when the next one begins. A `SecureChatError` for everything that the client threw. */
  readonly error: Error | undefined
  /** Forgets the error. */
  readonly reset: () => void
}

/** Turns a call into something to render: `useAction((client, phone: string) => client.account.requestCode({ phone }))`. */
export function useAction<Args extends readonly unknown[], R>(call: (client: Client, ...args: Args) => Promise<R>): Action<Args, R> {
  const client = useClient()
  const [state, setState] = useState<{ running: number; error: Error | undefined }>({ running: 0, error: undefined })
  const latestCall = useRef(call)
  useEffect(() => {
    latestCall.current = call
  }, [call])
  const latestRun = useRef(0)

  const run = useCallback(
    async (...args: Args): Promise<Outcome<R>> => {
      latestRun.current += 1
      const thisRun = latestRun.current
      setState(({ running }) => ({ running: running + 1, error: undefined }))
      let outcome: Outcome<R>
      try {
        outcome = { ok: true, value: await latestCall.current(client, ...args) }
      } catch (error) {
        outcome = { ok: false, error: asError(error) }
      }
      const newError = outcome.ok ? undefined : outcome.error
      setState(({ running, error }) => ({ running: running - 1, error: thisRun === latestRun.current ? newError : error }))
      return outcome
    },
    [client],
  )
  const reset = useCallback(() => setState(({ running }) => ({ running, error: undefined })), [])
  return { run, pending: state.running > 0, error: state.error, reset }
}
