import type { CryptoProvider } from '@securechat/crypto'
import { MemoryDisk, memoryStorage } from '@securechat/storage'
import { beforeAll, describe, expect, it } from 'vitest'
import { keyLock } from '../src/locks/index.js'
import { type OpenedStore, openStore } from '../src/open-store.js'
import { dyingStorage, manualClock, seededRandom, sodium } from './harness.js'

describe('open store', () => {
  let provider: CryptoProvider
  beforeAll(async () => {
    provider = await sodium()
  })
  const key = (n: number): Uint8Array => new Uint8Array(32).fill(n)
  const open = async (storage = memoryStorage(), { seed = 1, unlock }: { seed?: number; unlock?: ReturnType<typeof keyLock> } = {}): Promise<OpenedStore> =>
    openStore({ storage, provider, random: seededRandom(provider, seed), clock: manualClock(), unlock })

  it.each([undefined, keyLock(new Uint8Array(32).fill(1))])('seals every row from the first, and hides its own rows', async (unlock) => {
    const disk = new MemoryDisk()
    const { storage } = await open(memoryStorage({ disk }), unlock && { unlock })
    await storage.commit([{ put: 'a', value: new TextEncoder().encode('a secret') }])
    for (const { value } of await memoryStorage({ disk }).list('')) expect(Buffer.from(value).includes('a secret')).toBe(false)
    expect((await storage.list('')).map(({ key: name }) => name)).toEqual(['!format', 'a'])
    expect((await storage.list('', { limit: 1 })).map(({ key: name }) => name)).toEqual(['!format'])
  })

  it.each([undefined, keyLock(new Uint8Array(32).fill(1))])('goes on with the same key, also from two instances at once', async (unlock) => {
    const disk = new MemoryDisk()
    const another = (seed: number) => open(memoryStorage({ disk }), { seed, ...(unlock && { unlock }) })
    const [one, two] = await Promise.all([another(1), another(2)])
    await one.storage.commit([{ put: 'a', value: Uint8Array.of(1) }])
    expect((await two.storage.get('a'))?.value).toEqual(Uint8Array.of(1))
    expect((await (await another(3)).storage.get('a'))?.value).toEqual(Uint8Array.of(1))
  })

  it('refuses a wrong key, a missing one, and one of another length', async () => {
    const disk = new MemoryDisk()
    await open(memoryStorage({ disk }), { unlock: keyLock(key(1)) })
    await expect(open(memoryStorage({ disk }), { unlock: keyLock(key(2)) })).rejects.toMatchObject({ code: 'storage/wrong-key' })
    await expect(open(memoryStorage({ disk }))).rejects.toMatchObject({ code: 'storage/unlock-needed' })
    expect(() => keyLock(key(1).subarray(1))).toThrowError(expect.objectContaining({ code: 'client/invalid-argument' }))
  })

  it('refuses a store whose key is gone', async () => {
    const disk = new MemoryDisk()
    await open(memoryStorage({ disk }))
    await memoryStorage({ disk }).commit([{ delete: '!key' }])
    await expect(open(memoryStorage({ disk }))).rejects.toMatchObject({ code: 'storage/wrong-key' })
  })

  it.each([1, 2, 3].flatMap((at) => [true, false].map((before) => ({ at, before }))))(
    'can be opened after dying at its commit $at (before it: $before)',
    async ({ at, before }) => {
      const disk = new MemoryDisk()
      void open(dyingStorage(memoryStorage({ disk }), { at, before }))
      await new Promise((resolve) => setTimeout(resolve, 5))
      const { storage } = await open(memoryStorage({ disk }), { seed: 2 })
      await storage.commit([{ put: 'a', value: Uint8Array.of(1) }])
      expect((await storage.get('a'))?.value).toEqual(Uint8Array.of(1))
    },
  )
})
