import type { LiveQuery } from '@securechat/client'
import { useCallback, useMemo, useSyncExternalStore } from 'react'
import type { ActiveQuery } from './observable.js'
import { type Live, LOADING, type Loading, ready } from './query.js'

/** Renders again only when the result's reference changes. */
export function useLiveQuery<T>(query: LiveQuery<T>): Live<T> {
  const data = useSyncExternalStore(
    useCallback((onChange) => query.subscribe(onChange), [query]),
    () => query.get(),
    () => undefined,
  )
  return useMemo(() => (data === undefined ? LOADING : ready(data)), [data])
}

const loading = (): Loading => LOADING

export function useActiveQuery<T extends { readonly status: string }>(query: ActiveQuery<T>): T | Loading {
  return useSyncExternalStore<T | Loading>(query.subscribe, query.get, loading)
}
