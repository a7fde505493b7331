import { isSecureChatError, LABELS, T, text } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { MemoryDisk, memoryStorage, SEAL_CHECK_KEY, type Sealer, sealedStorage } from '../src/index.js'
import { chachaSealer } from './chacha-sealer.js'

const KEY = new Uint8Array(32).fill(1)
const sealer = chachaSealer(KEY)
const value = text('attack at dawn')

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => (isSecureChatError(error) ? error.code : `untyped: ${String(error)}`),
  )

async function filled(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const storage = await sealedStorage(memoryStorage({ disk }), sealer)
  await storage.commit([
    { put: 'a', value },
    { put: 'b', value: text('retreat') },
  ])
  await storage.close()
  return disk
}

describe('sealedStorage', () => {
  test('keeps no plaintext in the inner store, and no two rows look alike', async () => {
    const disk = new MemoryDisk()
    const storage = await sealedStorage(memoryStorage({ disk }), sealer)
    await storage.commit([
      { put: 'a', value },
      { put: 'b', value },
    ])
    const rows = await memoryStorage({ disk }).list('')
    expect(rows.map(({ key }) => key)).toEqual([SEAL_CHECK_KEY, 'a', 'b'])
    for (const row of rows) expect(Buffer.from(row.value).includes('dawn')).toBe(false)
    expect(Buffer.from(rows[1]!.value).equals(rows[2]!.value)).toBe(false)
  })

  test('binds each row to its key: the associated data is T(sealed record, key)', async () => {
    const seen: string[] = []
    const noting: Sealer = {
      seal: (plaintext, associatedData) => {
        seen.push(Buffer.from(associatedData).toString('hex'))
        return sealer.seal(plaintext, associatedData)
      },
      open: sealer.open,
    }
    const storage = await sealedStorage(memoryStorage(), noting)
    await storage.commit([{ put: 'some/key', value }])
    expect(seen.at(-1)).toBe(Buffer.from(T(LABELS.sealedRow, text('some/key'))).toString('hex'))
  })

  test('opened with another key: storage/wrong-key, and nothing is changed', async () => {
    const disk = await filled()
    const before = JSON.stringify(await memoryStorage({ disk }).list(''))
    expect(await codeOf(sealedStorage(memoryStorage({ disk }), chachaSealer(new Uint8Array(32).fill(2))))).toBe('storage/wrong-key')
    expect(JSON.stringify(await memoryStorage({ disk }).list(''))).toBe(before)
    expect(await codeOf(sealedStorage(memoryStorage({ disk }), sealer))).toBe('no error')
  })

  test('exchanged rows are refused, their neighbours are not', async () => {
    const disk = await filled()
    const inner = memoryStorage({ disk })
    const [a, b] = await inner.getMany(['a', 'b'])
    await inner.commit([
      { put: 'a', value: b!.value },
      { put: 'b', value: a!.value },
      { put: 'c', value: a!.value },
    ])
    const storage = await sealedStorage(memoryStorage({ disk }), sealer)
    await storage.commit([{ put: 'd', value }])
    for (const key of ['a', 'b', 'c']) expect(await codeOf(storage.get(key)), key).toBe('storage/corrupt')
    expect(await codeOf(storage.getMany(['d', 'a']))).toBe('storage/corrupt')
    expect(await codeOf(storage.list(''))).toBe('storage/corrupt')
    expect((await storage.get('d'))?.value).toEqual(value)
  })

  test('every changed, shortened or lengthened byte of a row is storage/corrupt, another version is protocol/unsupported-version', async () => {
    const disk = await filled()
    const inner = memoryStorage({ disk })
    const storage = await sealedStorage(memoryStorage({ disk }), sealer)
    const good = (await inner.get('a'))!.value
    const outcome = async (row: Uint8Array): Promise<string> => {
      await inner.commit([{ put: 'a', value: row }])
      return codeOf(storage.get('a'))
    }
    for (let i = 1; i < good.length; i++) expect(await outcome(good.map((byte, index) => (index === i ? byte ^ 1 : byte))), `byte ${i}`).toBe('storage/corrupt')
    for (let length = 0; length < good.length; length++) expect(await outcome(good.slice(0, length)), `length ${length}`).toBe('storage/corrupt')
    expect(await outcome(Uint8Array.from([...good, 0]))).toBe('storage/corrupt')
    expect(await outcome(good.map((byte, index) => (index === 0 ? 2 : byte)))).toBe('protocol/unsupported-version')
    expect(await outcome(good)).toBe('no error')
  })

  test('rows without a key check were never sealed or were tampered with: storage/corrupt', async () => {
    const plain = new MemoryDisk()
    await memoryStorage({ disk: plain }).commit([{ put: 'a', value }])
    expect(await codeOf(sealedStorage(memoryStorage({ disk: plain }), sealer))).toBe('storage/corrupt')
    const stripped = await filled()
    await memoryStorage({ disk: stripped }).commit([{ delete: SEAL_CHECK_KEY }])
    expect(await codeOf(sealedStorage(memoryStorage({ disk: stripped }), sealer))).toBe('storage/corrupt')
  })

  test('a check row of a newer version is protocol/unsupported-version', async () => {
    const disk = await filled()
    const inner = memoryStorage({ disk })
    const row = (await inner.get(SEAL_CHECK_KEY))!.value
    row[0] = 2
    await inner.commit([{ put: SEAL_CHECK_KEY, value: row }])
    expect(await codeOf(sealedStorage(inner, sealer))).toBe('protocol/unsupported-version')
  })

  test('a check row that opens to something else is storage/wrong-key', async () => {
    const disk = new MemoryDisk()
    const forged = sealer.seal(text('something else'), T(LABELS.sealedRow, text(SEAL_CHECK_KEY)))
    await memoryStorage({ disk }).commit([{ put: SEAL_CHECK_KEY, value: Uint8Array.from([1, ...forged]) }])
    expect(await codeOf(sealedStorage(memoryStorage({ disk }), sealer))).toBe('storage/wrong-key')
  })

  test('ten openings of a new store at once agree on one key check; those with another key are refused', async () => {
    const disk = new MemoryDisk()
    const others = chachaSealer(new Uint8Array(32).fill(3))
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, index) => codeOf(sealedStorage(memoryStorage({ disk }), index % 2 ? others : sealer))))
    expect([...outcomes].sort()).toEqual([...Array<string>(5).fill('no error'), ...Array<string>(5).fill('storage/wrong-key')])
  })

  test('its own row can be neither seen nor touched', async () => {
    const storage = await sealedStorage(memoryStorage(), sealer)
    await storage.commit([
      { put: ' first', value },
      { put: '!z', value },
      { put: 'a', value },
    ])
    expect((await storage.list('')).map(({ key }) => key)).toEqual([' first', '!z', 'a'])
    expect((await storage.list('', { limit: 2 })).map(({ key }) => key)).toEqual([' first', '!z'])
    expect((await storage.list('', { limit: 2, reverse: true })).map(({ key }) => key)).toEqual(['a', '!z'])
    expect((await storage.list('', { limit: 3, reverse: true })).map(({ key }) => key)).toEqual(['a', '!z', ' first'])
    expect((await storage.list('!', { limit: 1 })).map(({ key }) => key)).toEqual(['!z'])
    expect(await storage.list(SEAL_CHECK_KEY)).toEqual([])
    for (const work of [
      storage.get(SEAL_CHECK_KEY),
      storage.getMany(['a', SEAL_CHECK_KEY]),
      storage.commit([{ put: SEAL_CHECK_KEY, value }]),
      storage.commit([{ delete: SEAL_CHECK_KEY }]),
      storage.commit([], { expect: [{ key: SEAL_CHECK_KEY, version: 1 }] }),
    ]) {
      expect(await codeOf(work)).toBe('client/invalid-argument')
    }
  })

  test('a watch does not report its own row', async () => {
    const disk = new MemoryDisk()
    const storage = await sealedStorage(memoryStorage({ disk }), sealer)
    const calls: (readonly string[])[] = []
    storage.watch('', (keys) => calls.push(keys))
    const row = (await memoryStorage({ disk }).get(SEAL_CHECK_KEY))!.value
    await memoryStorage({ disk }).commit([{ put: SEAL_CHECK_KEY, value: row }])
    await Promise.resolve()
    expect(calls).toEqual([])
    await storage.commit([{ put: 'a', value }])
    await Promise.resolve()
    expect(calls).toEqual([['a']])
  })

  test('a store that fails while it is opened passes its error on', async () => {
    const inner = memoryStorage()
    await inner.close()
    expect(await codeOf(sealedStorage(inner, sealer))).toBe('storage/closed')
  })
})
