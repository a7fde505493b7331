import type { OpeningState } from '@securechat/react'
import { lazy, Suspense, useState } from 'react'
import { hasCode } from '../format/error-text.js'
import { OpeningFailed, Splash } from '../shell/start-screens.js'
import type { MadeLock } from './make-lock.js'

const UnlockScreen = lazy(() => import('./unlock-screen.js'))

export interface OpeningProps {
  readonly state: OpeningState
  /** For the next try; without one, the store is opened as if it had none. */
  readonly onLock: (lock: MadeLock | undefined) => void
}

/** No lock opens what is damaged or not there. */
const NO_LOCK_HELPS = ['storage/corrupt', 'storage/unavailable', 'protocol/unsupported-version'] as const

/** What is shown until there is a client: a moment's patience, the question for the lock, or why not. */
export function Opening({ state, onLock }: OpeningProps) {
  const [locked, setLocked] = useState(false)
  const error = state.status === 'failed' ? state.error : undefined
  const asks = hasCode(error, 'storage/unlock-needed')
  // It stays on the screen while its answer is tried.
  if (asks && !locked) setLocked(true)
  if (!(asks || locked) || NO_LOCK_HELPS.some((code) => hasCode(error, code))) return state.status === 'failed' ? <OpeningFailed state={state} /> : <Splash />
  const tryWith = (lock: MadeLock | undefined): void => {
    onLock(lock)
    if (lock === undefined) setLocked(false)
    if (state.status === 'failed') state.retry()
  }
  return (
    <Suspense fallback={<Splash />}>
      <UnlockScreen pending={state.status === 'opening'} error={asks ? undefined : error} onLock={tryWith} onErased={() => tryWith(undefined)} />
    </Suspense>
  )
}
