import { type Client, isSecureChatError } from '@securechat/client'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useClient } from './hooks.js'
import { asError } from './query.js'

interface Abortable {
  readonly signal: AbortSignal
}
interface Invitation<Result> {
  confirm(options: Abortable): Promise<Result>
}
interface Request<Answer> {
  readonly code: string
  answered(options: Abortable): Promise<Answer>
}

/** A code is shown, the primary device scans it, and both people confirm. */
export type CodeRequestState<Shown, Answer, Result> =
  | { readonly status: 'requesting' }
  | { readonly status: 'shown'; readonly request: Shown }
  | { readonly status: 'answered'; readonly invitation: Answer }
  | { readonly status: 'confirming'; readonly invitation: Answer }
  | { readonly status: 'confirmed'; readonly result: Result }
  | { readonly status: 'failed'; readonly error: Error }

const REQUESTING = Object.freeze({ status: 'requesting' })

/** While mounted. `begin` has to be the same function from render to render; a code that nobody scans in time is followed by another, `renewals` times. */
export function useCodeRequest<Answer extends Invitation<Result>, Result, Shown extends Request<Answer>>(
  begin: (client: Client, options: Abortable) => Promise<Shown & Request<Answer>>,
  renewals: number,
): { readonly state: CodeRequestState<Shown, Answer, Result>; readonly confirm: () => void; readonly restart: () => void } {
  type State = CodeRequestState<Shown, Answer, Result>
  const client = useClient()
  const [state, setState] = useState<State>(REQUESTING)
  const [attempt, setAttempt] = useState(0)
  const ending = useRef<AbortController>(undefined)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt begins anew.
  useEffect(() => {
    const own = new AbortController()
    const { signal } = own
    ending.current = own
    const set = (next: State): void => {
      if (!signal.aborted) setState(next)
    }
    const showCodes = async (): Promise<Answer> => {
      for (let left = renewals; ; left--) {
        const request = await begin(client, { signal })
        set({ status: 'shown', request })
        try {
          return await request.answered({ signal })
        } catch (error) {
          if (left <= 0 || signal.aborted || !isSecureChatError(error, 'devices/link-expired')) throw error
        }
      }
    }
    set(REQUESTING)
    showCodes().then(
      (invitation) => set({ status: 'answered', invitation }),
      (error: unknown) => set({ status: 'failed', error: asError(error) }),
    )
    return () => own.abort()
  }, [client, begin, renewals, attempt])

  const invitation = state.status === 'answered' ? state.invitation : undefined
  const confirm = useCallback(() => {
    const own = ending.current
    if (!invitation || !own) return
    const set = (next: State): void => {
      if (!own.signal.aborted) setState(next)
    }
    set({ status: 'confirming', invitation })
    invitation.confirm({ signal: own.signal }).then(
      (result) => set({ status: 'confirmed', result }),
      (error: unknown) => set({ status: 'failed', error: asError(error) }),
    )
  }, [invitation])
  const restart = useCallback(() => setAttempt((last) => last + 1), [])
  return { state, confirm, restart }
}
