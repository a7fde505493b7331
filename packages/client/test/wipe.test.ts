import { type ClientStorage, MemoryDisk, memoryStorage } from '@securechat/storage'
import { describe, expect, it } from 'vitest'
import { continueWipe, requireUnwiped, wipe } from '../src/account/sign-out.js'
import { createDatabase } from '../src/state/database.js'
import { KEYS } from '../src/state/keys.js'
import { createFence } from '../src/tabs/fence.js'
import { manualClock } from './harness.js'

const deps = { clock: manualClock(), random: (length: number) => new Uint8Array(length) }
const row = Uint8Array.of(1)
const put = (key: string) => ({ put: key, value: row })

/** A store of 1,200 rows, and a second tab that has it open. */
async function stores(): Promise<{ readonly disk: MemoryDisk; readonly storage: ClientStorage; readonly other: ClientStorage }> {
  const disk = new MemoryDisk()
  const [storage, other] = [memoryStorage({ disk }), memoryStorage({ disk })]
  await storage.commit([
    put('account'),
    put('store-id'),
    put('tokens'),
    ...Array.from({ length: 1_200 }, (_, n) => put(`message/${String(n).padStart(4, '0')}`)),
  ])
  return { disk, storage, other }
}
/** Runs `action` before the n-th commit. */
function before(storage: ClientStorage, n: number, action: () => Promise<unknown>): ClientStorage {
  let count = 0
  return {
    ...storage,
    async commit(writes, options) {
      if (++count === n) await action()
      return storage.commit(writes, options)
    },
  }
}

describe('signing out with other tabs open', () => {
  it('erases what another tab stores behind its back, and leaves the name that all tabs know the store by', async () => {
    const { disk, storage, other } = await stores()
    await wipe({ storage: before(storage, 4, () => other.commit([put('message/0000'), put('outbox/x/1')])) })
    expect([...disk.entries.keys()]).toEqual(['store-id'])
  })

  it('attack 25: takes the lead with the first commit: the tab that leads stores nothing any more', async () => {
    const { disk, storage, other } = await stores()
    const db = createDatabase(other, deps)
    const fence = createFence(other, db)
    await fence.claim()
    const leading = db.guarded({ ...fence, onBroken: () => {} })
    const refused: unknown[] = []
    const late = (): Promise<unknown> => leading.run(async (tx) => tx.put('received', row)).catch((error: unknown) => refused.push(error))
    await wipe({ storage: before(storage, 2, late) })
    expect(refused).toMatchObject([{ code: 'storage/locked' }])
    expect([...disk.entries.keys()]).toEqual(['store-id'])
  })

  it('of two tabs that erase, the slower one leaves alone whoever has signed in since', async () => {
    const { disk, storage, other } = await stores()
    await storage.commit([put(KEYS.wipe)])
    const slow = before(storage, 2, async () => {
      await continueWipe({ storage: other })
      await other.commit([put('account'), put('message/0700')])
    })
    await continueWipe({ storage: slow })
    expect([...disk.entries.keys()].sort()).toEqual(['account', 'message/0700', 'store-id'])
  })

  it('nobody signs in where another tab has begun to erase and not ended: the next start would erase that too', async () => {
    const { storage } = await stores()
    const db = createDatabase(storage, deps)
    const signIn = (): Promise<void> =>
      db.run(async (tx) => {
        await requireUnwiped(tx)
        tx.put('account', row)
      })
    await storage.commit([put(KEYS.wipe)])
    await expect(signIn()).rejects.toMatchObject({ code: 'storage/locked' })
    await continueWipe({ storage })
    await signIn()
  })
})
