import type { LiveQuery } from '@securechat/client'
import { type ActiveQuery, follow, Observable } from './observable.js'
import { failed, LOADING, type Lookup, MISSING, ready } from './query.js'

/** A live query whose source must be found first. Looks again with each first subscriber; the last result stays meanwhile. */
export function lookupLive<T>(find: () => Promise<LiveQuery<T> | undefined>): ActiveQuery<Lookup<T>> {
  const query = new Observable<Lookup<T>>(LOADING, () => {
    let active = true
    let stop: (() => void) | undefined
    find().then(
      (live) => {
        if (!active) return
        if (!live) return query.set(MISSING)
        stop = follow(live, (data) => {
          const current = query.get()
          if (current.status !== 'ready' || !Object.is(current.data, data)) query.set(ready(data))
        })
      },
      (error: unknown) => {
        if (active) query.set(failed(error))
      },
    )
    return () => {
      active = false
      stop?.()
    }
  })
  return query
}

/** Something without a live query: loaded with the first subscriber and again whenever `signals` says so or `reload` is called. */
export function lookupReloaded<T>(
  load: () => Promise<T | undefined>,
  signals: (reload: () => void) => () => void,
): ActiveQuery<Lookup<T>> & { reload(): Promise<void> } {
  // Answers may overtake each other: only the latest question's counts.
  let asked = 0
  const reload = async (): Promise<void> => {
    asked += 1
    const question = asked
    let next: Lookup<T>
    try {
      const data = await load()
      next = data === undefined ? MISSING : ready(data)
    } catch (error) {
      next = failed(error)
    }
    if (question === asked) query.set(next)
  }
  const query = new Observable<Lookup<T>>(LOADING, () => {
    void reload()
    const stop = signals(() => void reload())
    return () => {
      asked += 1
      stop()
    }
  })
  return { get: query.get, subscribe: query.subscribe, reload }
}
