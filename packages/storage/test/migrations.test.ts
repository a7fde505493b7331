import { isSecureChatError, SecureChatError, text } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { type ClientStorage, FORMAT_KEY, MemoryDisk, type Migration, memoryStorage, migrateStorage } from '../src/index.js'

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => (isSecureChatError(error) ? error.code : `untyped: ${String(error)}`),
  )
const first: Migration = { to: 1, migrate: () => [] }
/** Appends a mark to every row; the kind that must not run twice. */
const marking = (to: number): Migration => ({
  to,
  migrate: async (read) => (await read.list('row/')).map(({ key, value }) => ({ put: key, value: text(`${Buffer.from(value)}+${to}`) })),
})
const steps = [first, marking(2), marking(3)]
const rowsOf = async (storage: ClientStorage): Promise<string[]> => (await storage.list('row/')).map(({ key, value }) => `${key}=${Buffer.from(value)}`)
async function storeAt(version: number): Promise<{ disk: MemoryDisk; storage: ClientStorage }> {
  const disk = new MemoryDisk()
  const storage = memoryStorage({ disk })
  if (version > 0) await migrateStorage(storage, steps.slice(0, version))
  await storage.commit([
    { put: 'row/a', value: text('a') },
    { put: 'row/b', value: text('b') },
  ])
  return { disk, storage }
}

describe('migrateStorage', () => {
  test('an empty store gets the last version without any step', async () => {
    const storage = memoryStorage()
    const never: Migration = { to: 4, migrate: () => Promise.reject(new Error('ran')) }
    expect(await migrateStorage(storage, [...steps, never])).toEqual({ from: undefined, to: 4 })
    expect([...(await storage.get(FORMAT_KEY))!.value]).toEqual([0, 0, 0, 4])
    expect(await migrateStorage(storage, [...steps, never])).toEqual({ from: 4, to: 4 })
  })

  test('a used store goes through every missing step, each once, and then stays', async () => {
    const { storage } = await storeAt(1)
    expect(await migrateStorage(storage, steps)).toEqual({ from: 1, to: 3 })
    expect(await rowsOf(storage)).toEqual(['row/a=a+2+3', 'row/b=b+2+3'])
    const { version } = await storage.commit([])
    expect(await migrateStorage(storage, steps)).toEqual({ from: 3, to: 3 })
    expect((await storage.commit([])).version).toBe(version)
  })

  test('a used store without a version row is version 0', async () => {
    const { storage } = await storeAt(0)
    expect(await migrateStorage(storage, steps)).toEqual({ from: 0, to: 3 })
    expect(await rowsOf(storage)).toEqual(['row/a=a+2+3', 'row/b=b+2+3'])
  })

  test('reserved rows of wrappers do not make a store used', async () => {
    const storage = memoryStorage()
    await storage.commit([{ put: '!other', value: text('x') }])
    expect(await migrateStorage(storage, steps)).toEqual({ from: undefined, to: 3 })
    for (const key of [' ', '"', 'z']) {
      const used = memoryStorage()
      await used.commit([{ put: key, value: text('x') }])
      expect((await migrateStorage(used, steps)).from, key).toBe(0)
    }
  })

  test('a newer or too old store is protocol/unsupported-version, unchanged', async () => {
    const { storage } = await storeAt(3)
    expect(await codeOf(migrateStorage(storage, steps.slice(0, 2)))).toBe('protocol/unsupported-version')
    const old = await storeAt(1)
    expect(await codeOf(migrateStorage(old.storage, [marking(3)]))).toBe('protocol/unsupported-version')
    expect(await rowsOf(storage)).toEqual(['row/a=a', 'row/b=b'])
    expect(await rowsOf(old.storage)).toEqual(['row/a=a', 'row/b=b'])
  })

  test('a step that throws leaves the version before it, and the next try goes on from there', async () => {
    const { storage } = await storeAt(1)
    const failing: Migration = { to: 3, migrate: () => Promise.reject(new SecureChatError('storage/corrupt')) }
    expect(await codeOf(migrateStorage(storage, [first, marking(2), failing]))).toBe('storage/corrupt')
    expect(await rowsOf(storage)).toEqual(['row/a=a+2', 'row/b=b+2'])
    expect(await migrateStorage(storage, steps)).toEqual({ from: 2, to: 3 })
    expect(await rowsOf(storage)).toEqual(['row/a=a+2+3', 'row/b=b+2+3'])
  })

  test('a process that dies before or after any commit leaves a store that the next one completes', async () => {
    for (let survive = 0; survive <= 2; survive++) {
      for (const committed of [false, true]) {
        const { disk, storage } = await storeAt(1)
        let commits = 0
        const dying: ClientStorage = {
          ...storage,
          async commit(writes, options) {
            if (commits++ < survive) return storage.commit(writes, options)
            if (committed) await storage.commit(writes, options)
            throw new SecureChatError('storage/unavailable')
          },
        }
        if (survive < 2) expect(await codeOf(migrateStorage(dying, steps))).toBe('storage/unavailable')
        await migrateStorage(memoryStorage({ disk }), steps)
        expect(await rowsOf(storage), `after ${survive} commits, ${committed}`).toEqual(['row/a=a+2+3', 'row/b=b+2+3'])
      }
    }
  })

  test('of several that start at once each step is done by one', async () => {
    const { disk, storage } = await storeAt(1)
    const results = await Promise.all(Array.from({ length: 5 }, () => migrateStorage(memoryStorage({ disk }), steps)))
    for (const result of results) expect(result.to).toBe(3)
    expect(await rowsOf(storage)).toEqual(['row/a=a+2+3', 'row/b=b+2+3'])
  })

  test('a row that somebody changes while a step runs is migrated as it is then', async () => {
    const { disk, storage } = await storeAt(1)
    let disturbed = 0
    const disturbing: Migration = {
      to: 2,
      async migrate(read) {
        const writes = await marking(2).migrate(read)
        if (disturbed++ === 0) await memoryStorage({ disk }).commit([{ put: 'row/a', value: text('changed') }])
        return writes
      },
    }
    await migrateStorage(storage, [first, disturbing])
    expect(disturbed).toBe(2)
    expect(await rowsOf(storage)).toEqual(['row/a=changed+2', 'row/b=b+2'])
  })

  test('absent rows that a step relied on are expected to be absent still', async () => {
    const { disk, storage } = await storeAt(1)
    let runs = 0
    const filling: Migration = {
      to: 2,
      async migrate(read) {
        const [absent] = await read.getMany(['settings'])
        const again = await read.get('settings')
        if (runs++ === 0) await memoryStorage({ disk }).commit([{ put: 'settings', value: text('theirs') }])
        return absent || again ? [] : [{ put: 'settings', value: text('default') }]
      },
    }
    await migrateStorage(storage, [first, filling])
    expect(runs).toBe(2)
    expect(Buffer.from((await storage.get('settings'))!.value).toString()).toBe('theirs')
  })

  test('whoever is disturbed again and again gives up with storage/conflict', async () => {
    const { disk, storage } = await storeAt(1)
    const disturbed: Migration = {
      to: 2,
      async migrate(read) {
        await read.get('row/a')
        await memoryStorage({ disk }).commit([{ put: 'row/a', value: text('again') }])
        return []
      },
    }
    expect(await codeOf(migrateStorage(storage, [first, disturbed]))).toBe('storage/conflict')
  })

  test('a version row that is none is storage/corrupt; bad lists of steps are client/invalid-argument', async () => {
    const storage = memoryStorage()
    await storage.commit([{ put: FORMAT_KEY, value: text('one') }])
    expect(await codeOf(migrateStorage(storage, steps))).toBe('storage/corrupt')
    for (const list of [[], [{ ...first, to: 0 }], [first, first], [first, marking(3)], [marking(2), first]]) {
      expect(await codeOf(migrateStorage(memoryStorage(), list))).toBe('client/invalid-argument')
    }
  })
})
