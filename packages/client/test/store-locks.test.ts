import type { CryptoProvider } from '@securechat/crypto'
import { MemoryDisk, memoryStorage, type StoreLock } from '@securechat/storage'
import { beforeAll, describe, expect, it } from 'vitest'
import { storeLocks } from '../src/index.js'
import { keyLock, passphraseLock } from '../src/locks/index.js'
import { openStore } from '../src/open-store.js'
import { KEYRING_KEY, keyring } from '../src/store-key/keyring.js'
import { createStoreLocks } from '../src/store-key/locks.js'
import { dyingStorage, manualClock, seededRandom, sodium } from './harness.js'

/** Cheap, so that the test is quick; the default costs are those of the RFC. */
const CHEAP = { memoryKiB: 32, passes: 1, lanes: 1 }
const pass = (words: string): StoreLock => passphraseLock(words, { cost: CHEAP })
const key = (n: number): StoreLock => keyLock(new Uint8Array(32).fill(n))

describe('locks of the local store', () => {
  let provider: CryptoProvider
  beforeAll(async () => {
    provider = await sodium()
  })
  const open = async (disk: MemoryDisk, unlock?: StoreLock, storage = memoryStorage({ disk })) => {
    const deps = { storage, provider, random: seededRandom(provider, disk.clone().counter + 1), clock: manualClock() }
    const opened = await openStore({ ...deps, unlock })
    return { ...opened, locks: createStoreLocks(deps, opened.key) }
  }
  const rows = async (disk: MemoryDisk): Promise<Map<string, Uint8Array>> =>
    new Map((await memoryStorage({ disk }).list('')).filter(({ key: name }) => !name.startsWith('!key')).map(({ key: name, value }) => [name, value]))
  const refused = (promise: Promise<unknown>, code: string): Promise<void> => expect(promise).rejects.toMatchObject({ code })

  it('a passphrase takes the place of the key that lay there, and no row is written anew', async () => {
    const disk = new MemoryDisk()
    const before = await open(disk)
    await before.storage.commit([{ put: 'a', value: Uint8Array.of(7) }])
    const sealed = await rows(disk)
    const added = await before.locks.add(pass('correct horse'), { name: 'Mine' })
    expect(await rows(disk)).toEqual(sealed)
    expect(await memoryStorage({ disk }).get('!key')).toBeUndefined()
    expect(await storeLocks(memoryStorage({ disk }))).toEqual([{ id: added.id, kind: 'passphrase', name: 'Mine', createdAt: added.createdAt }])
    await refused(open(disk), 'storage/unlock-needed')
    await refused(open(disk, key(1)), 'storage/unlock-needed')
    await refused(open(disk, pass('correct house')), 'storage/wrong-key')
    const after = await open(disk, pass('correct horse'))
    expect((await after.storage.get('a'))?.value).toEqual(Uint8Array.of(7))
  })

  it('several locks open one store, each alone, and go one by one', async () => {
    const disk = new MemoryDisk()
    const { locks, storage } = await open(disk, pass('one'))
    await storage.commit([{ put: 'a', value: Uint8Array.of(7) }])
    const [first] = await locks.list()
    const second = await locks.add(key(2))
    await locks.add(pass('three'))
    for (const lock of [pass('one'), key(2), pass('three')]) expect((await (await open(disk, lock)).storage.get('a'))?.value).toEqual(Uint8Array.of(7))
    await locks.remove(first!.id)
    await refused(open(disk, pass('one')), 'storage/wrong-key')
    await locks.remove(second.id)
    await refused(locks.remove(second.id), 'client/not-found')
    await refused(open(disk, key(2)), 'storage/unlock-needed')
    expect(await locks.list()).toHaveLength(1)
  })

  it('a changed passphrase: the new one opens and the old one does not', async () => {
    const disk = new MemoryDisk()
    const { locks } = await open(disk, pass('old'))
    const [old] = await locks.list()
    await locks.replace(old!.id, pass('new'))
    await refused(open(disk, pass('old')), 'storage/wrong-key')
    await open(disk, pass('new'))
    expect(await locks.list()).toHaveLength(1)
  })

  it('the last lock goes only when that is said', async () => {
    const disk = new MemoryDisk()
    const { locks, storage } = await open(disk, pass('one'))
    await storage.commit([{ put: 'a', value: Uint8Array.of(7) }])
    const [last] = await locks.list()
    await refused(locks.remove(last!.id), 'client/invalid-argument')
    await locks.remove(last!.id, { leaveOpen: true })
    expect(await locks.list()).toEqual([])
    expect((await (await open(disk)).storage.get('a'))?.value).toEqual(Uint8Array.of(7))
  })

  it.each([true, false])('dying while the lock is changed leaves the old one or the new one (before: %s)', async (before) => {
    const disk = new MemoryDisk()
    const { locks } = await open(disk, pass('old'))
    const [old] = await locks.list()
    const dying = await open(disk, pass('old'), dyingStorage(memoryStorage({ disk }), { at: 1, before }))
    void dying.locks.replace(old!.id, pass('new'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await open(disk, pass(before ? 'old' : 'new'))
    await refused(open(disk, pass(before ? 'new' : 'old')), 'storage/wrong-key')
  })

  it('two that change the locks at once both have their way', async () => {
    const disk = new MemoryDisk()
    const [one, two] = [await open(disk, pass('one')), await open(disk, pass('one'))]
    await Promise.all([one.locks.add(pass('two')), two.locks.add(key(3))])
    for (const lock of [pass('one'), pass('two'), key(3)]) await open(disk, lock)
  })

  it('attack 46: a slot with the time, the kind, the salt or the key of another does not open', async () => {
    const disk = new MemoryDisk()
    const { locks } = await open(disk, pass('one'))
    await locks.add(pass('two'))
    const raw = memoryStorage({ disk })
    const { slots } = keyring.decode((await raw.get(KEYRING_KEY))!.value)
    const [one, two] = [slots[0]!, slots[1]!]
    const changes = [{ wrapped: two.wrapped }, { parameters: two.parameters }, { id: two.id }, { createdAt: one.createdAt + 1 }]
    for (const change of changes) {
      await raw.commit([{ put: KEYRING_KEY, value: keyring.encode({ slots: [{ ...one, ...change }] }) }])
      await refused(open(disk, pass('one')), 'storage/wrong-key')
    }
    await raw.commit([{ put: KEYRING_KEY, value: keyring.encode({ slots: [{ ...one, kind: 'key' }] }) }])
    await refused(open(disk, key(1)), 'storage/wrong-key')
  })

  it('refuses costs that an intruder could have written, and an empty passphrase', async () => {
    const { parameters } = await pass('one').create()
    const huge = parameters.slice()
    huge.fill(0xff, 1, 5)
    await refused(Promise.resolve(pass('one').open(huge)), 'client/invalid-argument')
    const weak = parameters.slice()
    weak.fill(0, 1, 13)
    await refused(Promise.resolve(pass('one').open(weak)), 'client/invalid-argument')
    await refused(pass('').create(), 'client/invalid-argument')
  })
})
