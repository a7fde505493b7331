import { SecureChatError } from '@securechat/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createWatchHub, MemoryDisk, memoryStorage, type Range, STORAGE_LIMITS, type Write } from '../src/index.js'

const value = Uint8Array.of(1)

describe('memoryStorage', () => {
  test('a clone of its disk goes its own way, and can be put back as a rolled-back store', async () => {
    const disk = new MemoryDisk()
    await memoryStorage({ disk }).commit([{ put: 'a', value }])
    const copy = disk.clone()
    await memoryStorage({ disk }).commit([{ put: 'b', value }, { delete: 'a' }])
    expect((await memoryStorage({ disk: copy }).list('')).map(({ key, version }) => [key, version])).toEqual([['a', 1]])
    expect((await memoryStorage({ disk: copy }).commit([{ put: 'c', value }])).version).toBe(2)
    expect((await memoryStorage({ disk }).list('')).map(({ key }) => key)).toEqual(['b'])
  })

  test('a value over the limit is protocol/too-large, and nothing is written', async () => {
    const storage = memoryStorage()
    const large = new Uint8Array(STORAGE_LIMITS.valueBytes + 1)
    await expect(
      storage.commit([
        { put: 'a', value },
        { put: 'b', value: large },
      ]),
    ).rejects.toMatchObject({ code: 'protocol/too-large' })
    expect(await storage.list('')).toEqual([])
    await storage.commit([{ put: 'b', value: large.subarray(1) }])
    expect((await storage.get('b'))?.value.length).toBe(STORAGE_LIMITS.valueBytes)
  })

  test('does what a plain map does, for any commits and any listing', async () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', ' ', '~', 'A'), minLength: 1, maxLength: 3 })
    const write: fc.Arbitrary<Write> = fc.oneof(
      key.map((name) => ({ delete: name })),
      fc.record({ put: key, value: fc.uint8Array({ maxLength: 2 }) }),
    )
    const range: fc.Arbitrary<Range> = fc.record({ after: key, before: key, limit: fc.nat(5), reverse: fc.boolean() }, { requiredKeys: [] })
    const prefix = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 2 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(write, { maxLength: 6 }), { maxLength: 8 }),
        fc.array(fc.tuple(prefix, range), { maxLength: 8 }),
        async (commits, listings) => {
          const storage = memoryStorage()
          const model = new Map<string, { value: readonly number[]; version: number }>()
          for (const writes of commits) {
            const { version } = await storage.commit(writes)
            for (const one of writes) {
              if ('put' in one) model.set(one.put, { value: [...one.value], version })
              else model.delete(one.delete)
            }
          }
          for (const [start, bounds] of listings) {
            const { after, before, limit, reverse } = bounds
            const keys = [...model.keys()]
              .filter((name) => name.startsWith(start) && (after === undefined || name > after) && (before === undefined || name < before))
              .sort()
            const wanted = (reverse ? keys.reverse() : keys).slice(0, limit)
            const found = await storage.list(start, bounds)
            expect(found.map((entry) => ({ key: entry.key, value: [...entry.value], version: entry.version }))).toEqual(
              wanted.map((name) => ({ key: name, ...model.get(name)! })),
            )
          }
        },
      ),
      { seed: 20261122, numRuns: 300 },
    )
  })
})

describe('createWatchHub', () => {
  test('says how many listen, and delivers "something changed" as an empty list over known keys', async () => {
    const sizes: number[] = []
    const hub = createWatchHub((size) => sizes.push(size))
    const calls: (readonly string[])[] = []
    const end = hub.watch('a', (keys) => calls.push(keys))
    hub.watch('b', () => {})
    hub.touched(['a1'])
    hub.touchedUnknown()
    hub.touched(['a2'])
    await Promise.resolve()
    expect(calls).toEqual([[]])
    hub.touched(['a2', 'a1', 'a2', 'b'])
    await Promise.resolve()
    expect(calls).toEqual([[], ['a1', 'a2']])
    end()
    end()
    hub.close()
    hub.close()
    expect(sizes).toEqual([1, 2, 1, 0])
    expect(() => hub.watch('a', () => {})).toThrow(SecureChatError)
  })

  test('a listener that is no function is refused', () => {
    expect(() => createWatchHub().watch('a', undefined as never)).toThrow(expect.objectContaining({ code: 'client/invalid-argument' }))
  })

  test('a watch that ended while its report was on the way is not called', async () => {
    const hub = createWatchHub()
    const calls: (readonly string[])[] = []
    const end = hub.watch('a', (keys) => calls.push(keys))
    hub.touched(['a'])
    end()
    await Promise.resolve()
    expect(calls).toEqual([])
  })
})
