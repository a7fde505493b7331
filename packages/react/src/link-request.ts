import type { AccountState, Client, LinkInvitation, LinkRequest } from '@securechat/client'
import { useMemo } from 'react'
import { useCodeRequest } from './code-request.js'

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

/** A screen that nobody looks at need not show codes for ever. */
const RENEWALS = 9
const begin = (client: Client, options: { readonly signal: AbortSignal }): Promise<LinkRequest> => client.devices.requestLink(options)

/** The new device's side of linking while mounted: a code that is renewed when it expires (`renewals` times), the answer, the confirmation. */
export function useLinkRequest({ renewals = RENEWALS }: { readonly renewals?: number } = {}): LinkRequestFlow {
  const { state: inner, confirm, restart } = useCodeRequest<LinkInvitation, AccountState, LinkRequest>(begin, renewals)
  const state = useMemo<LinkRequestState>(() => {
    if (inner.status === 'shown') return { status: 'shown', code: inner.request.code, expiresAt: inner.request.expiresAt }
    return inner.status === 'confirmed' ? { status: 'linked', account: inner.result } : inner
  }, [inner])
  return { state, confirm, restart }
}
