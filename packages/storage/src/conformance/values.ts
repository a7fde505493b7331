import { STORAGE_LIMITS } from '../port.js'
import { bytes, check, checkRejects, checkSame, checkValue, type StorageConformanceCase } from './context.js'

/** get, getMany, put, delete, versions, buffers, arguments. */
export const valueCases: readonly StorageConformanceCase[] = [
  {
    name: 'an absent key is undefined, not an error',
    async run({ open }) {
      const storage = await open()
      check((await storage.get('absent')) === undefined, 'get of an absent key to be undefined')
      checkSame(await storage.getMany(['a', 'b']), [null, null], 'getMany of absent keys')
      checkSame(await storage.getMany([]), [], 'getMany of nothing')
      checkSame(await storage.list('absent'), [], 'a listing of nothing')
    },
  },
  {
    name: 'what was put is read back exactly, the empty value included',
    async run({ open }) {
      const storage = await open()
      const all = Uint8Array.from({ length: 256 }, (_, index) => index)
      await storage.commit([
        { put: 'all', value: all },
        { put: 'empty', value: bytes() },
        { put: 'zero', value: bytes(0) },
      ])
      await checkValue(storage, 'all', [...all])
      await checkValue(storage, 'empty', [])
      await checkValue(storage, 'zero', [0])
      const large = new Uint8Array(1_000_000).fill(7)
      await storage.commit([{ put: 'large', value: large }])
      const read = await storage.get('large')
      check(read?.value.length === large.length && read.value.every((byte) => byte === 7), 'a value of a million bytes to come back')
    },
  },
  {
    name: 'values are plain Uint8Arrays',
    async run({ open }) {
      const storage = await open()
      await storage.commit([{ put: 'key', value: bytes(1) }])
      const values = [(await storage.get('key'))?.value, (await storage.getMany(['key']))[0]?.value, (await storage.list(''))[0]?.value]
      for (const value of values)
        check(value !== undefined && Object.getPrototypeOf(value) === Uint8Array.prototype, 'a value to be a Uint8Array and no subclass')
    },
  },
  {
    name: 'getMany answers in the order asked, doubles and absent ones in place',
    async run({ open }) {
      const storage = await open()
      await storage.commit([
        { put: 'a', value: bytes(1) },
        { put: 'b', value: bytes(2) },
      ])
      const found = await storage.getMany(['b', 'absent', 'a', 'b'])
      checkSame(
        found.map((entry) => entry?.key ?? null),
        ['b', null, 'a', 'b'],
        'the keys of getMany',
      )
      checkSame(
        found.map((entry) => (entry ? [...entry.value] : null)),
        [[2], null, [1], [2]],
        'the values of getMany',
      )
    },
  },
  {
    name: 'deleting removes, deleting an absent key is no error, the last write of a key counts',
    async run({ open }) {
      const storage = await open()
      await storage.commit([
        { put: 'a', value: bytes(1) },
        { put: 'b', value: bytes(1) },
      ])
      await storage.commit([{ delete: 'a' }, { delete: 'never' }])
      await checkValue(storage, 'a', undefined)
      await checkValue(storage, 'b', [1])
      await storage.commit([{ put: 'c', value: bytes(1) }, { delete: 'c' }, { delete: 'd' }, { put: 'd', value: bytes(1) }, { put: 'd', value: bytes(2) }])
      await checkValue(storage, 'c', undefined)
      await checkValue(storage, 'd', [2])
    },
  },
  {
    name: 'versions grow with every commit, are shared by its keys and never come back',
    async run({ open }) {
      const storage = await open()
      const first = await storage.commit([
        { put: 'a', value: bytes(1) },
        { put: 'b', value: bytes(1) },
      ])
      check(first.version > 0, 'a version above 0')
      const second = await storage.commit([{ put: 'b', value: bytes(1) }])
      check(second.version > first.version, 'a later commit to have a higher version, even with an equal value')
      const [a, b] = await storage.getMany(['a', 'b'])
      checkSame([a?.version, b?.version], [first.version, second.version], 'the versions')
      checkSame(
        (await storage.list('')).map((entry) => entry.version),
        [first.version, second.version],
        'the listed versions',
      )
      const third = await storage.commit([{ delete: 'b' }])
      const fourth = await storage.commit([{ put: 'b', value: bytes(1) }])
      check(third.version > second.version && fourth.version > third.version, 'versions to go on after a deletion')
      checkSame((await storage.get('b'))?.version, fourth.version, 'the version of a key put again')
    },
  },
  {
    name: 'a commit of nothing changes nothing and returns the current version',
    async run({ open }) {
      const storage = await open()
      const { version } = await storage.commit([{ put: 'a', value: bytes(1) }])
      checkSame((await storage.commit([])).version, version, 'the version of an empty commit')
      checkSame((await storage.commit([], { expect: [{ key: 'a', version }] })).version, version, 'the version of a mere check')
      await checkRejects(() => storage.commit([], { expect: [{ key: 'a', version: null }] }), 'storage/conflict', 'a mere check that fails')
    },
  },
  {
    name: 'a buffer passed in may be overwritten as soon as the call was made',
    async run({ open }) {
      const storage = await open()
      const value = bytes(1, 2, 3)
      const committed = storage.commit([{ put: 'key', value }])
      value.fill(9)
      await committed
      value.fill(8)
      await checkValue(storage, 'key', [1, 2, 3])
      const whole = bytes(1, 2, 3, 4)
      await storage.commit([{ put: 'view', value: whole.subarray(1, 3) }])
      await checkValue(storage, 'view', [2, 3])
    },
  },
  {
    name: 'a buffer that came out belongs to the reader',
    async run({ open }) {
      const storage = await open()
      await storage.commit([{ put: 'key', value: bytes(1, 2, 3) }])
      const spoil = (value: Uint8Array | undefined): void => {
        check(value !== undefined, 'the value to be there')
        new Uint8Array(value.buffer, value.byteOffset, value.byteLength).fill(0)
      }
      spoil((await storage.get('key'))?.value)
      await checkValue(storage, 'key', [1, 2, 3])
      spoil((await storage.getMany(['key']))[0]?.value)
      spoil((await storage.list(''))[0]?.value)
      await checkValue(storage, 'key', [1, 2, 3])
      const [one, two] = await storage.getMany(['key', 'key'])
      spoil(one?.value)
      checkSame([...(two?.value ?? [])], [1, 2, 3], 'the second result of one getMany')
    },
  },
  {
    name: 'keys of every allowed character and length work, others are refused',
    async run({ open }) {
      const storage = await open()
      const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)).join('')
      const keys = [printable, ' ', '~', 'x'.repeat(STORAGE_LIMITS.keyCharacters), "quote'--%_*?[a-z]\\"]
      for (const key of keys) {
        await storage.commit([{ put: key, value: bytes(key.length & 0xff) }])
        await checkValue(storage, key, [key.length & 0xff])
      }
      for (const key of ['', 'x'.repeat(STORAGE_LIMITS.keyCharacters + 1), 'tab\t', '\x7f', 'nul\0', 'é', '😀']) {
        await checkRejects(() => storage.get(key), 'client/invalid-argument', 'get of a bad key')
        await checkRejects(() => storage.getMany(['fine', key]), 'client/invalid-argument', 'getMany of a bad key')
        await checkRejects(() => storage.commit([{ put: key, value: bytes(1) }]), 'client/invalid-argument', 'a put of a bad key')
        await checkRejects(() => storage.commit([{ delete: key }]), 'client/invalid-argument', 'a deletion of a bad key')
      }
    },
  },
  {
    name: 'stores of different names do not see each other, even if one name begins with the other',
    async run({ open }) {
      const [a, ab] = [await open('a'), await open('ab')]
      await a.commit([
        { put: 'bx', value: bytes(1) },
        { put: 'x', value: bytes(1) },
      ])
      await checkValue(ab, 'x', undefined)
      checkSame(await ab.list(''), [], 'the listing of another store')
      await ab.commit([{ put: 'x', value: bytes(2) }, { delete: 'bx' }])
      checkSame(
        (await a.list('')).map((entry) => [entry.key, ...entry.value]),
        [
          ['bx', 1],
          ['x', 1],
        ],
        'the rows of the first store',
      )
      checkSame(
        (await ab.list('')).map((entry) => [entry.key, ...entry.value]),
        [['x', 2]],
        'the rows of the second store',
      )
    },
  },
]
