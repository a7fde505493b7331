import type { Client, PromotionInvitation, PromotionRequest, PromotionWarning } from '@securechat/client'
import { useMemo } from 'react'
import { useCodeRequest } from './code-request.js'

/** What the screen of a linked device shows that is to become the primary one. */
export type PromotionRequestState =
  | { readonly status: 'requesting' }
  /** For the primary device's camera. Show the warnings before anything else. */
  | { readonly status: 'shown'; readonly code: string; readonly expiresAt: number; readonly warnings: readonly PromotionWarning[] }
  /** The primary device has scanned: show `digits`, and `confirm` when the person says that they go on. confirming: waits for the other screen. */
  | { readonly status: 'answered'; readonly invitation: PromotionInvitation }
  | { readonly status: 'confirming'; readonly invitation: PromotionInvitation }
  /** This device has the account key. */
  | { readonly status: 'promoted' }
  | { readonly status: 'failed'; readonly error: Error }

export interface PromotionRequestFlow {
  readonly state: PromotionRequestState
  readonly confirm: () => void
  /** From the beginning, with a new code. */
  readonly restart: () => void
}

const RENEWALS = 9
const begin = (client: Client, options: { readonly signal: AbortSignal }): Promise<PromotionRequest> => client.devices.requestPromotion(options)

/** The linked device's side of a promotion while mounted; the primary device's is `useLinkScan`. */
export function usePromotionRequest(): PromotionRequestFlow {
  const { state: inner, confirm, restart } = useCodeRequest<PromotionInvitation, void, PromotionRequest>(begin, RENEWALS)
  const state = useMemo<PromotionRequestState>(() => {
    if (inner.status === 'shown') {
      const { code, expiresAt, warnings } = inner.request
      return { status: 'shown', code, expiresAt, warnings }
    }
    return inner.status === 'confirmed' ? { status: 'promoted' } : inner
  }, [inner])
  return { state, confirm, restart }
}
