import { isSecureChatError } from '@securechat/protocol'
import type { ClientStorage, Write } from '../port.js'
import { bytes, check, checkRejects, checkSame, checkValue, type StorageConformanceCase } from './context.js'

/** The whole content, to show that nothing has changed. */
async function stateOf(storage: ClientStorage): Promise<string> {
  return JSON.stringify((await storage.list('')).map((entry) => [entry.key, entry.version, ...entry.value]))
}

async function checkUnchanged(storage: ClientStorage, work: () => Promise<void>): Promise<void> {
  const before = await stateOf(storage)
  const { version } = await storage.commit([])
  await work()
  checkSame(await stateOf(storage), before, 'the content after a commit that was refused')
  checkSame((await storage.commit([])).version, version, 'the commit counter after a commit that was refused')
}

const generation = (value: number, count: number): Write[] => Array.from({ length: count }, (_, index) => ({ put: `g/${index}`, value: bytes(value) }))

/** Increments `counter` once, reading again after each conflict, as every user of `expect` does. */
async function increment(storage: ClientStorage, counter: string): Promise<void> {
  for (;;) {
    const entry = await storage.get(counter)
    try {
      await storage.commit([{ put: counter, value: bytes((entry?.value[0] ?? 0) + 1) }], { expect: [{ key: counter, version: entry?.version ?? null }] })
      return
    } catch (error) {
      if (!isSecureChatError(error, 'storage/conflict')) throw error
    }
  }
}

export const commitCases: readonly StorageConformanceCase[] = [
  {
    name: 'an expectation that holds lets the commit through',
    async run({ open }) {
      const storage = await open()
      const { version } = await storage.commit([{ put: 'a', value: bytes(1) }], { expect: [{ key: 'a', version: null }] })
      await storage.commit([{ put: 'b', value: bytes(2) }], {
        expect: [
          { key: 'a', version },
          { key: 'b', version: null },
          { key: 'a', version },
        ],
      })
      await checkValue(storage, 'b', [2])
      checkSame((await storage.get('a'))?.version, version, 'the version of a key that was only expected')
    },
  },
  {
    name: 'any expectation that fails refuses the whole commit with storage/conflict',
    async run({ open }) {
      const storage = await open()
      const old = await storage.commit([
        { put: 'a', value: bytes(1) },
        { put: 'b', value: bytes(1) },
      ])
      const now = await storage.commit([{ put: 'a', value: bytes(2) }])
      const refused = [
        [{ key: 'a', version: old.version }],
        [{ key: 'a', version: now.version + 1 }],
        [{ key: 'a', version: null }],
        [{ key: 'absent', version: now.version }],
        [
          { key: 'a', version: now.version },
          { key: 'b', version: now.version },
        ],
        [
          { key: 'b', version: null },
          { key: 'a', version: now.version },
        ],
        [
          { key: 'a', version: now.version },
          { key: 'a', version: null },
        ],
      ]
      for (const expect of refused) {
        await checkUnchanged(storage, () =>
          checkRejects(
            () => storage.commit([{ put: 'a', value: bytes(9) }, { put: 'new', value: bytes(9) }, { delete: 'b' }], { expect }),
            'storage/conflict',
            `a commit that expects ${JSON.stringify(expect)}`,
          ),
        )
      }
    },
  },
  {
    name: 'a version does not fit again after the key was deleted and put back',
    async run({ open }) {
      const storage = await open()
      const { version } = await storage.commit([{ put: 'a', value: bytes(1) }])
      await storage.commit([{ delete: 'a' }])
      await checkRejects(
        () => storage.commit([{ put: 'b', value: bytes(1) }], { expect: [{ key: 'a', version }] }),
        'storage/conflict',
        'an old version of a deleted key',
      )
      await storage.commit([{ put: 'a', value: bytes(1) }])
      await checkRejects(
        () => storage.commit([{ put: 'b', value: bytes(1) }], { expect: [{ key: 'a', version }] }),
        'storage/conflict',
        'an old version of a key put again',
      )
      await checkValue(storage, 'b', undefined)
    },
  },
  {
    name: 'expectations look at the state before the commit, not at its own writes',
    async run({ open }) {
      const storage = await open()
      await storage.commit([{ put: 'a', value: bytes(1) }, { delete: 'a' }, { put: 'a', value: bytes(2) }], { expect: [{ key: 'a', version: null }] })
      await checkValue(storage, 'a', [2])
    },
  },
  {
    name: 'an invalid write anywhere in a commit leaves everything as it was',
    async run({ open }) {
      const storage = await open()
      await storage.commit([{ put: 'a', value: bytes(1) }])
      const bad = [
        { put: '', value: bytes(1) },
        { put: 'é', value: bytes(1) },
        { put: 'x', value: 'text' },
        { put: 'x', value: [1, 2] },
        { put: 'x', value: new ArrayBuffer(2) },
        { put: 'x', value: new Uint16Array(2) },
        { put: 'x' },
        { put: 'x', value: bytes(1), delete: 'x' },
        {},
        null,
      ] as unknown as Write[]
      for (const write of bad) {
        await checkUnchanged(storage, () =>
          checkRejects(
            () => storage.commit([{ put: 'a', value: bytes(9) }, { put: 'first', value: bytes(9) }, write, { delete: 'a' }]),
            'client/invalid-argument',
            'an invalid write',
          ),
        )
      }
      for (const options of [
        { expect: [{ key: 'a', version: 0 }] },
        { expect: [{ key: 'a', version: 1.5 }] },
        { expect: [{ key: '', version: null }] },
        { durability: 'perhaps' },
      ]) {
        await checkUnchanged(storage, () =>
          checkRejects(() => storage.commit([{ put: 'a', value: bytes(9) }], options as never), 'client/invalid-argument', 'an invalid option'),
        )
      }
    },
  },
  {
    name: 'no reader sees half a commit',
    async run({ open }) {
      const storage = await open()
      const keys = Array.from({ length: 20 }, (_, index) => `g/${index}`)
      await storage.commit(generation(0, 20))
      for (let value = 1; value <= 10; value++) {
        const committed = storage.commit(generation(value, 20))
        const seen = await Promise.all([
          storage.getMany(keys),
          storage.list('g/'),
          Promise.resolve().then(() => storage.list('g/')),
          storage.getMany([...keys].reverse()),
        ])
        for (const entries of seen) {
          check(entries.length === 20 && entries.every((entry) => entry !== undefined), 'all rows of a commit')
          checkSame(new Set(entries.map((entry) => entry?.value[0])).size, 1, 'the number of commits seen by one read')
          checkSame(new Set(entries.map((entry) => entry?.version)).size, 1, 'the number of versions seen by one read')
        }
        await committed
      }
    },
  },
  {
    name: 'calls take effect in their order, awaited or not',
    async run({ open }) {
      const storage = await open()
      const versions: Promise<{ readonly version: number }>[] = []
      const reads: Promise<number | undefined>[] = []
      for (let value = 1; value <= 20; value++) {
        versions.push(storage.commit([{ put: 'a', value: bytes(value) }], { durability: value % 2 ? 'strict' : 'relaxed' }))
        reads.push(storage.get('a').then((entry) => entry?.value[0]))
      }
      const order = (await Promise.all(versions)).map((result) => result.version)
      checkSame(
        order,
        [...order].sort((a, b) => a - b),
        'the versions in the order of the calls',
      )
      checkSame(
        await Promise.all(reads),
        Array.from({ length: 20 }, (_, index) => index + 1),
        'what a read after each commit saw',
      )
    },
  },
  {
    name: 'a refused commit does not disturb its neighbours',
    async run({ open }) {
      const storage = await open()
      const results = await Promise.allSettled([
        storage.commit([{ put: 'a', value: bytes(1) }]),
        storage.commit([{ put: 'a', value: bytes(2) }], { expect: [{ key: 'a', version: null }] }),
        storage.commit([{ put: 'b', value: bytes(3) }]),
      ])
      checkSame(
        results.map((result) => result.status),
        ['fulfilled', 'rejected', 'fulfilled'],
        'the three outcomes',
      )
      await checkValue(storage, 'a', [1])
      await checkValue(storage, 'b', [3])
    },
  },
  {
    name: 'parallel compare-and-swap loses no increment',
    async run({ open }) {
      const storage = await open()
      await Promise.all(Array.from({ length: 20 }, () => increment(storage, 'counter')))
      await checkValue(storage, 'counter', [20])
    },
  },
  {
    name: 'of parallel commits that expect absence exactly one wins',
    async run({ open }) {
      const storage = await open()
      const tries = Array.from({ length: 10 }, (_, index) =>
        storage.commit([{ put: 'once', value: bytes(index) }], { expect: [{ key: 'once', version: null }] }),
      )
      const results = await Promise.allSettled(tries)
      checkSame(results.filter((result) => result.status === 'fulfilled').length, 1, 'the number of winners')
      const winner = results.findIndex((result) => result.status === 'fulfilled')
      await checkValue(storage, 'once', [winner])
    },
  },
  {
    name: 'two handles: compare-and-swap holds between them',
    requires: 'several',
    async run({ open }) {
      const [one, two] = [await open(), await open()]
      await Promise.all(Array.from({ length: 20 }, (_, index) => increment(index % 2 ? one : two, 'counter')))
      await checkValue(one, 'counter', [20])
      await checkValue(two, 'counter', [20])
      const seen = await two.get('counter')
      await one.commit([{ put: 'counter', value: bytes(0) }])
      await checkRejects(
        () => two.commit([{ put: 'x', value: bytes(1) }], { expect: [{ key: 'counter', version: seen?.version ?? null }] }),
        'storage/conflict',
        'an expectation that the other handle outdated',
      )
    },
  },
  {
    name: 'two handles: no reader of the other sees half a commit',
    requires: 'several',
    async run({ open }) {
      const [one, two] = [await open(), await open()]
      await one.commit(generation(0, 20))
      for (let value = 1; value <= 10; value++) {
        const committed = one.commit(generation(value, 20))
        for (const entries of await Promise.all([two.list('g/'), two.list('g/')])) {
          checkSame(new Set(entries.map((entry) => entry.version)).size, 1, 'the number of versions seen by one read')
        }
        await committed
      }
    },
  },
]
