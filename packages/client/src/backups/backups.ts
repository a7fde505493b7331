import { SecureChatError } from '@securechat/protocol'
import { type Background, background } from '../background.js'
import type { Context } from '../context.js'
import type { Manifests } from '../devices/manifests.js'
import { createLiveQuery } from '../live/live-query.js'
import { KEYS } from '../state/keys.js'
import { fraction } from '../waiting.js'
import type { Backups } from './types.js'

const HOUR = 3_600_000
/** Between two backups, and up to half as much again; a connection that comes and goes makes none of its own. */
const EVERY_MS = 6 * HOUR

export interface BackupWork {
  readonly api: Backups
  readonly background: Background
}

/** Restores, then backups, one at a time: a backup of half a restore would take the place of the whole one. Everything beyond this is loaded when it is used. */
export function createBackups(context: Context, manifests: Manifests): BackupWork {
  const { db, storage, logger, network, clock, random } = context
  const deps = { context, manifests }
  const load = () => import('./work.js')
  let tail: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = tail.then(work)
    tail = result.catch(() => undefined)
    return result
  }
  let due = clock.now()

  const worker = background(context, {
    ready: (stopped) => network.untilOnline(stopped),
    async round() {
      const [backup, restore] = await storage.getMany([KEYS.backup, KEYS.restore])
      if (!backup && !restore) return undefined
      const work = await load()
      await alone(() => work.runRestore(context))
      if (!(await db.get(KEYS.backup))) return undefined
      const unfinished = (await db.get(KEYS.backupRun)) !== undefined
      if (unfinished || clock.now() >= due) await alone(() => work.runBackup(deps))
      if (unfinished || clock.now() >= due) due = clock.now() + Math.floor(EVERY_MS * (1 + fraction(random) / 2))
      return Math.max(0, due - clock.now())
    },
    onFailure: (code) => logger.debug('client.backup-later', { code }),
  })

  const state = async () => (await load()).backupState(context)
  const api: Backups = {
    createWords: async () => (await load()).newWords(context),
    async enable(input, options) {
      const { enableBackups } = await load()
      const enabled = await alone(() => enableBackups(deps, input, options))
      due = clock.now()
      worker.wake()
      return enabled
    },
    state,
    live: () =>
      createLiveQuery({
        logger,
        watch(onChange) {
          // The first is a prefix of all rows of a backup.
          const ends = [KEYS.backup, KEYS.restore].map((prefix) => storage.watch(prefix, onChange))
          return () => {
            for (const end of ends) end()
          }
        },
        load: state,
      }),
    async run({ signal } = {}) {
      if (!(await db.get(KEYS.backup))) throw new SecureChatError('client/invalid-argument', { detail: 'backups are off' })
      const { runBackup } = await load()
      await network.open(signal)
      await alone(() => runBackup(deps, signal))
      return state()
    },
    async disable(options) {
      const { disableBackups } = await load()
      await alone(() => disableBackups(context, options))
    },
    async restore(input, options) {
      const { beginRestore } = await load()
      const begun = await beginRestore(context, input, options)
      worker.wake()
      return begun
    },
  }
  return { api, background: worker }
}
