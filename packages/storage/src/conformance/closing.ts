import { bytes, check, checkRejects, checkSame, checkValue, recorder, type StorageConformanceCase, turns } from './context.js'

export const closingCases: readonly StorageConformanceCase[] = [
  {
    name: 'after close every call throws storage/closed; close can be called again',
    async run({ open }) {
      const storage = await open()
      await storage.commit([{ put: 'a', value: bytes(1) }])
      await Promise.all([storage.close(), storage.close()])
      await storage.close()
      await checkRejects(() => storage.get('a'), 'storage/closed', 'get')
      await checkRejects(() => storage.getMany(['a']), 'storage/closed', 'getMany')
      await checkRejects(() => storage.list(''), 'storage/closed', 'list')
      await checkRejects(() => storage.commit([{ put: 'a', value: bytes(2) }]), 'storage/closed', 'commit')
      await checkRejects(() => storage.commit([]), 'storage/closed', 'an empty commit')
      await checkRejects(() => storage.watch('', () => {}), 'storage/closed', 'watch')
    },
  },
  {
    name: 'close of a store that was never used works',
    async run({ open }) {
      const storage = await open()
      await storage.close()
      await checkRejects(() => storage.get('a'), 'storage/closed', 'get')
    },
  },
  {
    name: 'nothing is reported after close',
    async run({ open }) {
      const storage = await open()
      const { listener, calls } = recorder()
      const end = storage.watch('', listener)
      const committed = storage.commit([{ put: 'a', value: bytes(1) }])
      const closed = storage.close().then(() => calls.length)
      const before = await closed
      await committed
      await turns()
      check(calls.length === before, 'no report after close')
      end()
    },
  },
  {
    name: 'close waits for commits that were begun',
    requires: 'reopen',
    async run({ open }) {
      const storage = await open()
      const committed = Array.from({ length: 10 }, (_, index) => storage.commit([{ put: `k${index}`, value: bytes(index) }]))
      await storage.close()
      await Promise.all(committed)
      const again = await open()
      checkSame((await again.list('k')).length, 10, 'the number of rows')
    },
  },
  {
    name: 'a store opened again has its data, and its versions go on',
    requires: 'reopen',
    async run({ open }) {
      const storage = await open()
      await storage.commit([
        { put: 'a', value: bytes(1) },
        { put: 'gone', value: bytes(1) },
      ])
      const { version } = await storage.commit([{ delete: 'gone' }, { put: 'b', value: bytes(2) }], { durability: 'relaxed' })
      await storage.close()
      const again = await open()
      await checkValue(again, 'a', [1])
      await checkValue(again, 'gone', undefined)
      checkSame((await again.get('b'))?.version, version, 'the version of a stored row')
      const next = await again.commit([{ put: 'c', value: bytes(3) }])
      check(next.version > version, 'versions to grow over a restart')
      await again.close()
      const third = await open()
      await third.commit([{ delete: 'c' }, { delete: 'b' }, { delete: 'a' }])
      await third.close()
      const last = await (await open()).commit([{ put: 'a', value: bytes(1) }])
      check(last.version > next.version + 1, 'versions to grow even when the store was emptied in between')
    },
  },
]
