import { type Background, background } from '../background.js'
import type { History } from '../backups/types.js'
import type { Context } from '../context.js'
import { createLiveQuery } from '../live/live-query.js'
import { PREFIX } from '../state/keys.js'

export interface HistoryWork {
  readonly api: History
  readonly background: Background
}

/** History between own devices. Looks whether there is any; the rest is loaded then. */
export function createHistory(context: Context): HistoryWork {
  const { db, storage, logger, network } = context
  const load = () => import('./work.js')
  const worker = background(context, {
    ready: (stopped) => network.untilOnline(stopped),
    async round() {
      if ((await db.list(PREFIX.history, { limit: 1 })).length === 0) return undefined
      const { rounds } = await load()
      return rounds(context)
    },
    onFailure: (code) => logger.debug('client.history-later', { code }),
  })
  let unwatch = (): void => {}
  const state = async () => (await load()).historyState(context)
  return {
    background: {
      ...worker,
      start() {
        unwatch()
        // One that begins here, or that the last round has left in another state.
        unwatch = storage.watch(PREFIX.history, () => worker.wake())
        worker.start()
      },
      async stop() {
        unwatch()
        await worker.stop()
      },
    },
    api: {
      state,
      live: () => createLiveQuery({ logger, watch: (onChange) => storage.watch(PREFIX.history, onChange), load: state }),
    },
  }
}
