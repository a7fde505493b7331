import { asSecureChatError } from '@securechat/protocol'
import type { Context } from '../context.js'
import { createLiveQuery } from '../live/live-query.js'
import { readAccount, readRegistration } from '../state/account.js'
import { KEYS } from '../state/keys.js'
import type { StorageRisk, StorageState, StorageWatch } from './types.js'

const HOUR = 3_600_000
const LOW_BYTES = 64 * 1024 * 1024
/** Of the quota: where it is small as a whole, 64 MiB would always be low. */
const LOW_SHARE = 0.1

export interface StorageRisks {
  readonly api: StorageWatch
  /** Looks now and once an hour, and tells what is new. For the instance that leads. */
  start(): void
  stop(): void
}

const isLow = (usage: number | undefined, quota: number | undefined): boolean =>
  usage !== undefined && quota !== undefined && quota - usage < Math.min(LOW_BYTES, quota * LOW_SHARE)

export function createStorageRisks({
  db,
  storage,
  keeping,
  clock,
  events,
  logger,
}: Pick<Context, 'db' | 'storage' | 'keeping' | 'clock' | 'events' | 'logger'>): StorageRisks {
  const listeners = new Set<() => void>()
  let told: readonly StorageRisk[] = []
  let end: (() => void) | undefined

  const livesHere = async (): Promise<boolean> => (await readAccount(db)) !== undefined || (await readRegistration(db)) !== undefined
  const state = async (): Promise<StorageState> => {
    if (!keeping) return Object.freeze({ risks: Object.freeze([]) })
    const { persisted, gone, full, usageBytes, quotaBytes } = await keeping.state()
    const risks: StorageRisk[] = []
    if (gone || (keeping.marked() && !(await livesHere()))) risks.push('lost')
    if (!persisted) risks.push('not-persistent')
    if (full || isLow(usageBytes, quotaBytes)) risks.push('quota-low')
    return Object.freeze({ risks: Object.freeze(risks), ...(usageBytes !== undefined && { usageBytes }), ...(quotaBytes !== undefined && { quotaBytes }) })
  }
  const look = async (): Promise<void> => {
    const now = await state()
    // Only what is sure to be there is missed later.
    if (keeping && !now.risks.includes('lost') && (await readAccount(db))) keeping.mark(true)
    const before = told
    told = now.risks
    for (const listener of [...listeners]) listener()
    if (now.risks.some((risk) => !before.includes(risk))) events.emit('storage-at-risk', now)
  }
  const lookAgain = (): void => {
    look().catch((error: unknown) => logger.warn('client.storage-state-unknown', { code: asSecureChatError(error, 'storage/unavailable').code }))
  }

  return {
    api: {
      state,
      live: () =>
        createLiveQuery({
          logger,
          watch(onChange) {
            const listener = (): void => onChange([])
            listeners.add(listener)
            const unwatch = storage.watch(KEYS.account, onChange)
            return () => {
              listeners.delete(listener)
              unwatch()
            }
          },
          load: state,
        }),
      async keep() {
        await keeping?.request()
        for (const listener of [...listeners]) listener()
        return state()
      },
    },
    start() {
      if (!keeping || end) return
      const unwatch = storage.watch(KEYS.account, lookAgain)
      let cancel = (): void => {}
      const round = (): void => {
        lookAgain()
        cancel = clock.after(HOUR, round)
      }
      round()
      end = () => {
        unwatch()
        cancel()
      }
    },
    stop() {
      end?.()
      end = undefined
    },
  }
}
