import { asSecureChatError, isSecureChatError } from '@securechat/protocol'
import type { Context } from '../context.js'
import type { Network } from '../network.js'
import { readLease, writeLease } from '../state/lease.js'
import { backoffMs, sleep } from '../waiting.js'

/** After that long, work exchanges the lease again, so that two copies that both run meet. */
const EVERY_MS = 3_600_000

/**
 * Whether this store is the one that the device went on with (docs/protocol/06-transport.md, "Lease"). Nothing is encrypted, decrypted or uploaded before the server has exchanged the
 * lease; where it knows another one, the store was put back or copied, and its sessions and prekeys are replaced first.
 */
export interface Lease {
  /** Resolves once the lease is fresh. Throws what the call or the store throws. */
  settled(): Promise<void>
  /** The end of the lead: the next one begins with an exchange. */
  forget(): void
}

export function createLease(context: Context, onRolledBack: () => void): Lease {
  const { db, network, clock, random, logger, identity } = context
  let settledAt: number | undefined
  let settling: Promise<void> | undefined

  const exchange = async (): Promise<void> => {
    const { accountId, deviceId } = await identity.self()
    const { held, next } = await db.run(async (tx) => {
      const stored = await readLease(tx)
      const own = stored?.accountId === accountId && stored.deviceId === deviceId ? stored : undefined
      if (own?.next) return { held: own.held, next: own.next }
      const offered = { ...own, accountId, deviceId, next: random(16) }
      writeLease(tx, offered)
      return { held: offered.held, next: offered.next }
    })
    const { kept } = await network.connection.call('devices.renewLease', { ...(held && { held }), next })
    if (!kept) {
      const { replaceRolledBack } = await import('./rolled-back.js')
      await db.run(async (tx) => {
        writeLease(tx, { accountId, deviceId, held: next })
        await replaceRolledBack(context, tx)
      })
      logger.warn('client.store-rolled-back')
      onRolledBack()
      return
    }
    await db.run(async (tx) => writeLease(tx, { accountId, deviceId, held: next }))
  }

  return {
    settled() {
      if (settledAt !== undefined && clock.now() - settledAt < EVERY_MS) return Promise.resolve()
      settling ??= exchange()
        .catch((error: unknown) => {
          // A server of an older version keeps no leases.
          if (!isSecureChatError(error, 'protocol/unknown-operation')) throw error
        })
        .then(() => {
          settledAt = clock.now()
        })
        .finally(() => {
          settling = undefined
        })
      return settling
    },
    forget() {
      settledAt = undefined
    },
  }
}

/** The network for work that moves keys: online means that the lease is settled too. */
export function leasedNetwork(network: Network, lease: Lease, { clock, random, logger }: Pick<Context, 'clock' | 'random' | 'logger'>): Network {
  const untilOnline = async (signal: AbortSignal): Promise<void> => {
    for (let failures = 1; ; failures++) {
      await network.untilOnline(signal)
      if (signal.aborted) return
      try {
        return await lease.settled()
      } catch (error) {
        logger.debug('client.lease-later', { code: asSecureChatError(error, 'server/internal').code })
        await sleep(clock, backoffMs(failures, { random }), signal)
        if (signal.aborted) return
      }
    }
  }
  return Object.create(network, { untilOnline: { value: untilOnline } }) as Network
}
