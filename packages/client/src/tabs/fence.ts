import { SecureChatError } from '@securechat/protocol'
import type { ClientStorage, Expectation } from '@securechat/storage'
import * as z from 'zod/mini'
import type { Database } from '../state/database.js'
import { KEYS } from '../state/keys.js'
import { count, defineRecord } from '../state/record.js'

const record = defineRecord('leader', z.looseObject({ epoch: count }))

/**
 * The number of the leader, in the store. What the leader writes holds only as long as the number is its own: a tab that was frozen, whose lock was stolen and
 * which goes on later cannot move a ratchet or a cursor any more, whatever it has in its hands.
 */
export interface Fence {
  /** To be called once the lock is held; this instance's number is the highest from then on. */
  claim(): Promise<void>
  forget(): void
  /** What every commit of the leader expects; throws `storage/locked` where this instance does not lead. */
  expectation(): Expectation | undefined
  /** Whether another instance has claimed since. */
  isBroken(): Promise<boolean>
}

export function createFence(storage: ClientStorage, db: Database): Fence {
  let version: number | undefined
  return {
    async claim() {
      const epoch = await db.run(async (tx) => {
        const next = ((await record.read(tx, KEYS.leader))?.epoch ?? 0) + 1
        record.write(tx, KEYS.leader, { epoch: next })
        return next
      })
      const row = await storage.get(KEYS.leader)
      // Somebody may have claimed in between.
      version = row && record.decode(row.value).epoch === epoch ? row.version : undefined
    },
    forget() {
      version = undefined
    },
    expectation() {
      if (version === undefined) throw new SecureChatError('storage/locked', { detail: 'another tab leads' })
      return { key: KEYS.leader, version }
    },
    isBroken: async () => version === undefined || (await storage.get(KEYS.leader))?.version !== version,
  }
}
