import { useEffect, useState, useSyncExternalStore } from 'react'

const subscribeAttention = (onChange: () => void): (() => void) => {
  document.addEventListener('visibilitychange', onChange)
  addEventListener('focus', onChange)
  addEventListener('blur', onChange)
  return () => {
    document.removeEventListener('visibilitychange', onChange)
    removeEventListener('focus', onChange)
    removeEventListener('blur', onChange)
  }
}

/** Somebody is looking: only then a message counts as read. */
export const useAttention = (): boolean => useSyncExternalStore(subscribeAttention, () => document.visibilityState === 'visible' && document.hasFocus())

const TWO_PANES = '(min-width: 820px)'

/** The same width as the style sheet's `two-pane`. */
export const useTwoPanes = (): boolean =>
  useSyncExternalStore(
    (onChange) => {
      const query = matchMedia(TWO_PANES)
      query.addEventListener('change', onChange)
      return () => query.removeEventListener('change', onChange)
    },
    () => matchMedia(TWO_PANES).matches,
  )

/** The time, renewed every `everyMs`; without it, once. */
export function useNow(everyMs: number | undefined): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (everyMs === undefined) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

/** True once `wanted` has been true for `delayMs`: what passes at once need not be shown. */
export function useLasting(wanted: boolean, delayMs: number): boolean {
  const [lasting, setLasting] = useState(false)
  useEffect(() => {
    if (!wanted) return setLasting(false)
    const timer = setTimeout(() => setLasting(true), delayMs)
    return () => clearTimeout(timer)
  }, [wanted, delayMs])
  return wanted && lasting
}
