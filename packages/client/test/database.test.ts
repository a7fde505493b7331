import { SecureChatError, systemClock, systemRandom } from '@securechat/protocol'
import { MemoryDisk, memoryStorage } from '@securechat/storage'
import { describe, expect, it } from 'vitest'
import { createDatabase } from '../src/state/database.js'

const deps = { clock: systemClock, random: systemRandom }
const bytes = (n: number): Uint8Array => Uint8Array.of(n)

describe('database', () => {
  it('makes one commit of everything, and shows a transaction its own writes', async () => {
    const storage = memoryStorage()
    const db = createDatabase(storage, deps)
    const seen = await db.run(async (tx) => {
      tx.put('a', bytes(1))
      tx.put('b', bytes(2))
      tx.delete('b')
      return [await tx.get('a'), await tx.get('b')]
    })
    expect(seen).toEqual([bytes(1), undefined])
    expect((await storage.list('')).map(({ key }) => key)).toEqual(['a'])
  })

  it('changes nothing when the work throws, and goes on with the next', async () => {
    const storage = memoryStorage()
    const db = createDatabase(storage, deps)
    const failed = db.run(async (tx) => {
      tx.put('a', bytes(1))
      throw new SecureChatError('client/invalid-argument')
    })
    await expect(failed).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await db.run(async (tx) => tx.put('b', bytes(2)))
    expect((await storage.list('')).map(({ key }) => key)).toEqual(['b'])
  })

  it('runs the work again when another instance wrote what it had read', async () => {
    const disk = new MemoryDisk()
    const other = memoryStorage({ disk })
    const db = createDatabase(memoryStorage({ disk }), deps)
    await other.commit([{ put: 'n', value: bytes(1) }])
    let runs = 0
    await db.run(async (tx) => {
      const n = (await tx.get('n'))?.[0] ?? 0
      if (runs++ === 0) await other.commit([{ put: 'n', value: bytes(10) }])
      tx.put('n', bytes(n + 1))
    })
    expect(runs).toBe(2)
    expect((await other.get('n'))?.value).toEqual(bytes(11))
  })

  it('counts every one of many increments of two instances', async () => {
    const disk = new MemoryDisk()
    const instances = [createDatabase(memoryStorage({ disk }), deps), createDatabase(memoryStorage({ disk }), deps)]
    const increment = (db: (typeof instances)[number]) => db.run(async (tx) => tx.put('n', bytes(((await tx.get('n'))?.[0] ?? 0) + 1)))
    await Promise.all(Array.from({ length: 60 }, (_, i) => increment(instances[i % 2]!)))
    expect((await memoryStorage({ disk }).get('n'))?.value).toEqual(bytes(60))
  })

  it('takes back a part that fails: its writes and its actions, nothing else', async () => {
    const storage = memoryStorage()
    const db = createDatabase(storage, deps)
    const acted: string[] = []
    await db.run(async (tx) => {
      tx.put('a', bytes(1))
      tx.afterCommit(() => acted.push('kept'))
      const part = tx.part(async () => {
        tx.put('a', bytes(2))
        tx.delete('b')
        tx.put('c', bytes(3))
        tx.afterCommit(() => acted.push('lost'))
        throw new SecureChatError('protocol/malformed')
      })
      await expect(part).rejects.toMatchObject({ code: 'protocol/malformed' })
      expect(await tx.get('a')).toEqual(bytes(1))
      expect(await tx.get('c')).toBeUndefined()
    })
    expect((await storage.list('')).map(({ key, value }) => [key, value[0]])).toEqual([['a', 1]])
    expect(acted).toEqual(['kept'])
  })

  it('tells nothing before the commit has succeeded', async () => {
    const disk = new MemoryDisk()
    const inner = memoryStorage({ disk })
    const db = createDatabase(
      {
        ...inner,
        commit: async () => {
          throw new SecureChatError('storage/full')
        },
      },
      deps,
    )
    let told = false
    const run = db.run(async (tx) => {
      tx.put('a', bytes(1))
      tx.afterCommit(() => {
        told = true
      })
    })
    await expect(run).rejects.toMatchObject({ code: 'storage/full' })
    expect(told).toBe(false)
  })
})
