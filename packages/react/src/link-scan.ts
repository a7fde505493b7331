import { isSecureChatError, type LinkScan } from '@securechat/client'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useClient } from './hooks.js'
import { asError } from './query.js'

/** What the primary device's screen shows. */
export type LinkScanState =
  /** `error`: of the last code; another one may be scanned. */
  | { readonly status: 'scanning'; readonly error?: Error }
  | { readonly status: 'reading' }
  /** Let the person type the digits of the other screen; do not show those of `scan`. `error`: `devices/link-mismatch` of what was typed last. */
  | { readonly status: 'comparing'; readonly scan: LinkScan; readonly error?: Error }
  | { readonly status: 'approving'; readonly scan: LinkScan }
  /** `kind` of the scan: a promoted device is the primary one now, and this one is not. */
  | { readonly status: 'linked'; readonly deviceId: number; readonly kind: LinkScan['kind'] }
  | { readonly status: 'failed'; readonly error: Error }

type ApproveOptions = Omit<NonNullable<Parameters<LinkScan['approve']>[1]>, 'signal'>

export interface LinkScanFlow {
  readonly state: LinkScanState
  /** What the camera has read. While another one is being read: ignored. */
  readonly scan: (code: string) => void
  readonly approve: (typed: string, options?: ApproveOptions) => void
  /** Back to the scanner. */
  readonly restart: () => void
}

const SCANNING: LinkScanState = Object.freeze({ status: 'scanning' })

/** The primary device's side of linking. What is under way ends with the component. */
export function useLinkScan(): LinkScanFlow {
  const client = useClient()
  const [state, setState] = useState<LinkScanState>(SCANNING)
  const own = useRef<AbortController>(undefined)
  const busy = useRef(false)
  useEffect(() => () => own.current?.abort(), [])

  const begin = useCallback((next: LinkScanState) => {
    own.current ??= new AbortController()
    const { signal } = own.current
    busy.current = true
    setState(next)
    return {
      signal,
      set: (result: LinkScanState): void => {
        if (signal.aborted) return
        busy.current = false
        setState(result)
      },
    }
  }, [])

  const scan = useCallback(
    (code: string) => {
      if (busy.current) return
      const { signal, set } = begin({ status: 'reading' })
      client.devices.scanLink(code, { signal }).then(
        (scanned) => {
          // Given up meanwhile: nobody will approve it.
          if (signal.aborted) scanned.cancel()
          set({ status: 'comparing', scan: scanned })
        },
        (error: unknown) => set({ status: 'scanning', error: asError(error) }),
      )
    },
    [client, begin],
  )
  const scanned = state.status === 'comparing' ? state.scan : undefined
  const approve = useCallback(
    (typed: string, options: ApproveOptions = {}) => {
      if (!scanned || busy.current) return
      const { signal, set } = begin({ status: 'approving', scan: scanned })
      scanned.approve(typed, { ...options, signal }).then(
        ({ deviceId }) => set({ status: 'linked', deviceId, kind: scanned.kind }),
        (error: unknown) => {
          const mismatch = isSecureChatError(error, 'devices/link-mismatch')
          set(mismatch ? { status: 'comparing', scan: scanned, error } : { status: 'failed', error: asError(error) })
        },
      )
    },
    [scanned, begin],
  )
  const restart = useCallback(() => {
    own.current?.abort()
    own.current = undefined
    busy.current = false
    setState(SCANNING)
  }, [])
  return { state, scan, approve, restart }
}
