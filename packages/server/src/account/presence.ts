import { asSecureChatError, type Clock, type Logger, type OperationOutput } from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { AccountStore } from '../ports/store.js'

const DAY = 86_400_000
/** Devices whose day is remembered; those above it cost a write again. */
const REMEMBERED = 100_000

export const dayOf = (time: number): number => time - (time % DAY)

export interface PresenceService {
  /** Called often; writes once a day for each device. Never throws. */
  note(caller: DeviceCaller): void
  seen(caller: DeviceCaller): Promise<OperationOutput<'devices.seen'>>
}

/** On which day each device was connected: enough to find the forgotten ones, too little to say when somebody is awake. */
export function createPresenceService({
  store,
  clock,
  logger,
}: {
  readonly store: AccountStore
  readonly clock: Clock
  readonly logger: Logger
}): PresenceService {
  let today = 0
  let noted = new Set<string>()
  return {
    note({ accountId, deviceId }) {
      const day = dayOf(clock.now())
      if (day !== today || noted.size >= REMEMBERED) [today, noted] = [day, new Set()]
      const name = `${accountId}.${deviceId}`
      if (noted.has(name)) return
      noted.add(name)
      const remembered = noted
      store.markSeen(accountId, deviceId, day).catch((error: unknown) => {
        remembered.delete(name)
        logger.warn('presence-not-stored', { code: asSecureChatError(error, 'server/unavailable').code })
      })
    },
    seen: async ({ accountId }) => ({ devices: [...(await store.seen(accountId))] }),
  }
}
