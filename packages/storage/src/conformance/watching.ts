import { bytes, check, checkRejects, checkSame, recorder, type StorageConformanceCase, turns } from './context.js'

export const watchCases: readonly StorageConformanceCase[] = [
  {
    name: 'a watch is told of every commit under its prefix: put, changed, deleted',
    async run({ open }) {
      const storage = await open()
      const { listener, calls, until } = recorder()
      storage.watch('a/', listener)
      const heard = (key: string): boolean => calls.some((keys) => keys.length === 0 || keys.includes(key))
      for (const write of [{ put: 'a/1', value: bytes(1) }, { put: 'a/1', value: bytes(2) }, { delete: 'a/1' }]) {
        calls.length = 0
        await storage.commit([write])
        await until(() => heard('a/1'), 'the watch to be called after each commit')
      }
      calls.length = 0
      await Promise.all(Array.from({ length: 10 }, (_, index) => storage.commit([{ put: `a/${index}`, value: bytes(index) }])))
      await until(() => Array.from({ length: 10 }, (_, index) => `a/${index}`).every(heard), 'the watch to name every key of ten commits')
    },
  },
  {
    name: 'a watch names touched keys under its prefix only, sorted, and is silent about the rest',
    async run({ open }) {
      const storage = await open()
      const [a, all, ab] = [recorder(), recorder(), recorder()]
      storage.watch('a/', a.listener)
      storage.watch('', all.listener)
      storage.watch('ab', ab.listener)
      await storage.commit([
        { put: 'b', value: bytes(1) },
        { put: 'a/2', value: bytes(1) },
        { put: 'a/1', value: bytes(1) },
        { put: 'a', value: bytes(1) },
      ])
      await all.until(() => all.calls.length > 0, 'the watch of everything to be called')
      await a.until(() => a.calls.length > 0, 'the watch of the prefix to be called')
      await turns()
      checkSame(a.calls.flat(), ['a/1', 'a/2'], 'the keys under the prefix')
      checkSame(all.calls.flat(), ['a', 'a/1', 'a/2', 'b'], 'all touched keys')
      checkSame(ab.calls, [], 'the calls of a watch whose prefix nobody touched')
    },
  },
  {
    name: 'what a watch reports can be read by then',
    async run({ open }) {
      const storage = await open()
      const reads: Promise<number>[] = []
      const { listener, calls, until } = recorder()
      storage.watch('n', (keys) => {
        const reported = calls.length + 1
        reads.push(storage.get('n').then((entry) => (entry?.value[0] ?? 0) - reported))
        listener(keys)
      })
      for (let value = 1; value <= 5; value++) {
        await storage.commit([{ put: 'n', value: bytes(value) }])
        await until(() => calls.length >= value, 'a call for each awaited commit')
      }
      for (const lead of await Promise.all(reads)) check(lead >= 0, 'no report of a commit before it can be read')
    },
  },
  {
    name: 'a commit made while a listener runs is reported again',
    async run({ open }) {
      const storage = await open()
      const { listener, calls, until } = recorder()
      const committed: Promise<unknown>[] = []
      storage.watch('n', (keys) => {
        if (committed.length < 5) committed.push(storage.commit([{ put: 'n', value: bytes(committed.length) }]))
        listener(keys)
      })
      await storage.commit([{ put: 'n', value: bytes(100) }])
      // Each report but the last makes one more commit, and each of those must be reported.
      await until(() => committed.length === 5 && calls.length >= 6, 'six reports in a row')
      await Promise.all(committed)
    },
  },
  {
    name: 'a refused or empty commit is not reported',
    async run({ open }) {
      const storage = await open()
      const { listener, calls, until } = recorder()
      storage.watch('', listener)
      await checkRejects(() => storage.commit([{ put: 'a', value: bytes(1) }], { expect: [{ key: 'a', version: 1 }] }), 'storage/conflict', 'a refused commit')
      await storage.commit([])
      await turns()
      checkSame(calls, [], 'the reports of refused and empty commits')
      await storage.commit([{ put: 'b', value: bytes(1) }])
      await until(() => calls.length > 0, 'the next commit to be reported')
      checkSame(calls.flat(), ['b'], 'the keys reported')
    },
  },
  {
    name: 'an ended watch is silent, its neighbours are not',
    async run({ open }) {
      const storage = await open()
      const [ended, stays] = [recorder(), recorder()]
      const end = storage.watch('', ended.listener)
      storage.watch('', stays.listener)
      await storage.commit([{ put: 'a', value: bytes(1) }])
      await ended.until(() => ended.calls.length > 0, 'the first report')
      ended.calls.length = stays.calls.length = 0
      end()
      end()
      await storage.commit([{ put: 'b', value: bytes(1) }])
      await stays.until(() => stays.calls.flat().includes('b'), 'the other watch to go on')
      await turns()
      checkSame(ended.calls, [], 'the reports after the end of the watch')
      await checkRejects(() => storage.watch('é', () => {}), 'client/invalid-argument', 'a watch of a bad prefix')
    },
  },
  {
    name: 'two handles: a watch of one sees the commits of the other',
    requires: 'remote-watch',
    async run({ open }) {
      const [one, two] = [await open(), await open()]
      const { listener, calls, until } = recorder()
      two.watch('a/', listener)
      for (const write of [{ put: 'a/1', value: bytes(1) }, { put: 'a/1', value: bytes(2) }, { delete: 'a/1' }]) {
        calls.length = 0
        const { version } = await one.commit([write])
        await until(() => calls.some((keys) => keys.length === 0 || keys.includes('a/1')), 'the watch of the other handle to be called')
        const read = await two.get('a/1')
        checkSame(read?.version, 'put' in write ? version : undefined, 'what the other handle reads by then')
      }
    },
  },
]
