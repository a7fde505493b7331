import type { CryptoProvider } from '@securechat/crypto'
import { MemoryDisk, memoryStorage } from '@securechat/storage'
import { beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../src/open-store.js'
import { dyingStorage, seededRandom, sodium } from './harness.js'

describe('open store', () => {
  let provider: CryptoProvider
  beforeAll(async () => {
    provider = await sodium()
  })
  const key = (n: number): Uint8Array => new Uint8Array(32).fill(n)

  it('seals every row from the first, and hides its own rows', async () => {
    const disk = new MemoryDisk()
    const store = await openStore({ storage: memoryStorage({ disk }), provider, random: seededRandom(provider, 1), storageKey: key(1) })
    await store.commit([{ put: 'a', value: new TextEncoder().encode('a secret') }])
    for (const { value } of await memoryStorage({ disk }).list('')) expect(Buffer.from(value).includes('a secret')).toBe(false)
    expect((await store.list('')).map(({ key: name }) => name)).toEqual(['!format', 'a'])
    expect((await store.list('', { limit: 1 })).map(({ key: name }) => name)).toEqual(['!format'])
  })

  it('goes on with the generated key, also from two instances at once', async () => {
    const disk = new MemoryDisk()
    const open = (seed: number) => openStore({ storage: memoryStorage({ disk }), provider, random: seededRandom(provider, seed) })
    const [one, two] = await Promise.all([open(1), open(2)])
    await one.commit([{ put: 'a', value: Uint8Array.of(1) }])
    expect((await two.get('a'))?.value).toEqual(Uint8Array.of(1))
    expect((await (await open(3)).get('a'))?.value).toEqual(Uint8Array.of(1))
  })

  it('refuses a wrong key, a missing one, and one of another length', async () => {
    const disk = new MemoryDisk()
    const random = seededRandom(provider, 1)
    await openStore({ storage: memoryStorage({ disk }), provider, random, storageKey: key(1) })
    await expect(openStore({ storage: memoryStorage({ disk }), provider, random, storageKey: key(2) })).rejects.toMatchObject({ code: 'storage/wrong-key' })
    await expect(openStore({ storage: memoryStorage({ disk }), provider, random })).rejects.toMatchObject({ code: 'storage/wrong-key' })
    await expect(openStore({ storage: memoryStorage(), provider, random, storageKey: key(1).subarray(1) })).rejects.toMatchObject({
      code: 'client/invalid-argument',
    })
  })

  it.each([1, 2, 3].flatMap((at) => [true, false].map((before) => ({ at, before }))))(
    'can be opened after dying at its commit $at (before it: $before)',
    async ({ at, before }) => {
      const disk = new MemoryDisk()
      void openStore({ storage: dyingStorage(memoryStorage({ disk }), { at, before }), provider, random: seededRandom(provider, 1) })
      await new Promise((resolve) => setTimeout(resolve, 5))
      const store = await openStore({ storage: memoryStorage({ disk }), provider, random: seededRandom(provider, 2) })
      await store.commit([{ put: 'a', value: Uint8Array.of(1) }])
      expect((await store.get('a'))?.value).toEqual(Uint8Array.of(1))
    },
  )
})
