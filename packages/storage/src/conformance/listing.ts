import type { ClientStorage, Range } from '../port.js'
import { bytes, check, checkRejects, checkSame, keysOf, type StorageConformanceCase } from './context.js'

async function put(storage: ClientStorage, keys: readonly string[]): Promise<void> {
  await storage.commit(keys.map((key, index) => ({ put: key, value: bytes(index & 0xff) })))
}

async function checkList(storage: ClientStorage, prefix: string, range: Range | undefined, keys: readonly string[]): Promise<void> {
  checkSame(keysOf(await storage.list(prefix, range)), keys, `list(${JSON.stringify(prefix)}, ${JSON.stringify(range ?? {})})`)
}

export const listingCases: readonly StorageConformanceCase[] = [
  {
    name: 'a listing is in code unit order, whatever the order of writing',
    async run({ open }) {
      const storage = await open()
      const keys = ['b', 'a', 'B', 'A', 'a/', 'a0', 'a ', 'a~', '10', '9', '_', 'Z', 'aa', '!', '~']
      for (const key of keys) await put(storage, [key])
      const sorted = [...keys].sort()
      await checkList(storage, '', undefined, sorted)
      await checkList(storage, '', { reverse: true }, [...sorted].reverse())
    },
  },
  {
    name: 'a prefix is literal and matches only beginnings',
    async run({ open }) {
      const storage = await open()
      await put(storage, ['a', 'a/', 'a/1', 'a/2', 'a0', 'A/1', 'b/1', 'ba/1', 'a_1', 'a%', 'ax1', 'a/~', 'a/~~'])
      await checkList(storage, 'a/', undefined, ['a/', 'a/1', 'a/2', 'a/~', 'a/~~'])
      await checkList(storage, 'a_', undefined, ['a_1'])
      await checkList(storage, 'a%', undefined, ['a%'])
      await checkList(storage, 'a/~', undefined, ['a/~', 'a/~~'])
      await checkList(storage, 'b/1', undefined, ['b/1'])
      await checkList(storage, 'c', undefined, [])
      await checkList(storage, 'a/1x', undefined, [])
    },
  },
  {
    name: 'bounds are exclusive full keys, inside and outside the prefix',
    async run({ open }) {
      const storage = await open()
      await put(storage, ['a', 'm/1', 'm/2', 'm/3', 'm/4', 'z'])
      await checkList(storage, 'm/', { after: 'm/1' }, ['m/2', 'm/3', 'm/4'])
      await checkList(storage, 'm/', { before: 'm/4' }, ['m/1', 'm/2', 'm/3'])
      await checkList(storage, 'm/', { after: 'm/1', before: 'm/4' }, ['m/2', 'm/3'])
      await checkList(storage, 'm/', { after: 'm/1', before: 'm/4', reverse: true }, ['m/3', 'm/2'])
      await checkList(storage, 'm/', { after: 'm/2x' }, ['m/3', 'm/4'])
      await checkList(storage, 'm/', { after: 'a', before: 'z' }, ['m/1', 'm/2', 'm/3', 'm/4'])
      await checkList(storage, 'm/', { after: 'z' }, [])
      await checkList(storage, 'm/', { before: 'a' }, [])
      await checkList(storage, 'm/', { after: 'm/2', before: 'm/2' }, [])
      await checkList(storage, 'm/', { after: 'm/3', before: 'm/2' }, [])
      await checkList(storage, 'm/', { after: 'm/' }, ['m/1', 'm/2', 'm/3', 'm/4'])
      await checkList(storage, 'm/1', { after: 'm/1' }, [])
      await checkList(storage, '', { after: 'a', before: 'z' }, ['m/1', 'm/2', 'm/3', 'm/4'])
    },
  },
  {
    name: 'a limit counts from the side where the listing begins, and 0 is none',
    async run({ open }) {
      const storage = await open()
      await put(storage, ['m/1', 'm/2', 'm/3', 'm/4', 'n'])
      await checkList(storage, 'm/', { limit: 2 }, ['m/1', 'm/2'])
      await checkList(storage, 'm/', { limit: 2, reverse: true }, ['m/4', 'm/3'])
      await checkList(storage, 'm/', { limit: 2, after: 'm/1' }, ['m/2', 'm/3'])
      await checkList(storage, 'm/', { limit: 2, before: 'm/4', reverse: true }, ['m/3', 'm/2'])
      await checkList(storage, 'm/', { limit: 9 }, ['m/1', 'm/2', 'm/3', 'm/4'])
      await checkList(storage, 'm/', { limit: Number.MAX_SAFE_INTEGER }, ['m/1', 'm/2', 'm/3', 'm/4'])
      await checkList(storage, 'm/', { limit: 0 }, [])
      await checkList(storage, 'm/', { limit: 0, reverse: true }, [])
    },
  },
  {
    name: 'pages put together are the whole, in both directions',
    async run({ open }) {
      const storage = await open()
      const keys = Array.from({ length: 57 }, (_, index) => `row/${String(index).padStart(3, '0')}`)
      await put(storage, keys)
      const forward: string[] = []
      for (let after: string | undefined; ; after = forward.at(-1)) {
        const page = keysOf(await storage.list('row/', { limit: 10, ...(after === undefined ? {} : { after }) }))
        if (page.length === 0) break
        forward.push(...page)
        check(forward.length <= keys.length, 'pages not to repeat rows')
      }
      checkSame(forward, keys, 'the pages forward')
      const backward: string[] = []
      for (let before: string | undefined; ; before = backward.at(-1)) {
        const page = keysOf(await storage.list('row/', { limit: 10, reverse: true, ...(before === undefined ? {} : { before }) }))
        if (page.length === 0) break
        backward.push(...page)
        check(backward.length <= keys.length, 'pages not to repeat rows')
      }
      checkSame(backward, [...keys].reverse(), 'the pages backward')
    },
  },
  {
    name: 'a listing carries the values and versions of its keys',
    async run({ open }) {
      const storage = await open()
      const one = await storage.commit([
        { put: 'k/1', value: bytes(1) },
        { put: 'k/2', value: bytes(2) },
      ])
      const two = await storage.commit([{ put: 'k/1', value: bytes(3) }])
      for (const reverse of [false, true]) {
        const rows = (await storage.list('k/', { reverse })).map((entry) => [entry.key, entry.version, ...entry.value])
        const expected = [
          ['k/1', two.version, 3],
          ['k/2', one.version, 2],
        ]
        checkSame(rows, reverse ? expected.reverse() : expected, 'the listed rows')
      }
    },
  },
  {
    name: 'bad prefixes and ranges are refused',
    async run({ open }) {
      const storage = await open()
      await put(storage, ['a'])
      await checkRejects(() => storage.list('é'), 'client/invalid-argument', 'a prefix that is not ASCII')
      await checkRejects(() => storage.list('x'.repeat(257)), 'client/invalid-argument', 'a prefix that is too long')
      for (const range of [{ limit: -1 }, { limit: 1.5 }, { limit: Number.NaN }, { after: '' }, { before: 'é' }]) {
        await checkRejects(() => storage.list('', range), 'client/invalid-argument', `the range ${JSON.stringify(range)}`)
      }
    },
  },
]
