import { type AccountState, type Client, isSecureChatError, type LinkInvitation } from '@securechat/client'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useClient } from './hooks.js'
import { asError } from './query.js'

/** What the new device's screen shows. */
export type LinkRequestState =
  | { readonly status: 'requesting' }
  /** For the primary device's camera, until `expiresAt`; then the next one takes its place. */
  | { readonly status: 'shown'; readonly code: string; readonly expiresAt: number }
  /** The primary device has scanned: show `phone` and `digits`, and `confirm` when the person says that both are right. confirming: waits for the other screen. */
  | { readonly status: 'answered'; readonly invitation: LinkInvitation }
  | { readonly status: 'confirming'; readonly invitation: LinkInvitation }
  | { readonly status: 'linked'; readonly account: AccountState }
  /** `devices/link-expired`: nobody scanned, or nobody approved, in time. */
  | { readonly status: 'failed'; readonly error: Error }

export interface LinkRequestFlow {
  readonly state: LinkRequestState
  readonly confirm: () => void
  /** From the beginning, with a new code. */
  readonly restart: () => void
}

const REQUESTING: LinkRequestState = Object.freeze({ status: 'requesting' })
/** A screen that nobody looks at need not show codes for ever. */
const RENEWALS = 9

interface Showing {
  readonly client: Client
  readonly renewals: number
  readonly signal: AbortSignal
  readonly set: (state: LinkRequestState) => void
}

/** Shows one code after the other until one is answered. */
async function showCodes({ client, renewals, signal, set }: Showing): Promise<LinkInvitation> {
  for (let left = renewals; ; left--) {
    const request = await client.devices.requestLink({ signal })
    const { code, expiresAt } = request
    set({ status: 'shown', code, expiresAt })
    try {
      return await request.answered({ signal })
    } catch (error) {
      if (left <= 0 || signal.aborted || !isSecureChatError(error, 'devices/link-expired')) throw error
    }
  }
}

/** The new device's side of linking while mounted: a code that is renewed when it expires (`renewals` times), the answer, the confirmation. */
export function useLinkRequest({ renewals = RENEWALS }: { readonly renewals?: number } = {}): LinkRequestFlow {
  const client = useClient()
  const [state, setState] = useState<LinkRequestState>(REQUESTING)
  const [attempt, setAttempt] = useState(0)
  const ending = useRef<AbortController>(undefined)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt begins anew.
  useEffect(() => {
    const own = new AbortController()
    ending.current = own
    const set = (next: LinkRequestState): void => {
      if (!own.signal.aborted) setState(next)
    }
    set(REQUESTING)
    showCodes({ client, renewals, signal: own.signal, set }).then(
      (invitation) => set({ status: 'answered', invitation }),
      (error: unknown) => set({ status: 'failed', error: asError(error) }),
    )
    return () => own.abort()
  }, [client, renewals, attempt])

  const invitation = state.status === 'answered' ? state.invitation : undefined
  const confirm = useCallback(() => {
    const own = ending.current
    if (!invitation || !own) return
    const set = (next: LinkRequestState): void => {
      if (!own.signal.aborted) setState(next)
    }
    set({ status: 'confirming', invitation })
    invitation.confirm({ signal: own.signal }).then(
      (account) => set({ status: 'linked', account }),
      (error: unknown) => set({ status: 'failed', error: asError(error) }),
    )
  }, [invitation])
  const restart = useCallback(() => setAttempt((last) => last + 1), [])
  return { state, confirm, restart }
}
