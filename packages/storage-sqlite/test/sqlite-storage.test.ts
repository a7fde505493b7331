import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, isSecureChatError } from '@securechat/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../src/driver/index.js'
import { sqliteStorage } from '../src/index.js'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'securechat-sqlite-'))
  path = join(folder, 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return isSecureChatError(error) ? error.code : `untyped: ${String(error)}`
  }
  return 'no error'
}
const value = Uint8Array.of(1)

/** One pending timer at most, fired by hand. */
function handClock(): Clock & { fire(): void; readonly waiting: number } {
  let timers: { callback: () => void }[] = []
  return {
    now: () => 0,
    after(_, callback) {
      const timer = { callback }
      timers.push(timer)
      return () => {
        timers = timers.filter((one) => one !== timer)
      }
    },
    fire() {
      for (const { callback } of timers.splice(0)) callback()
    },
    get waiting() {
      return timers.length
    },
  }
}

test('it looks for commits of others only while somebody watches, and wakes for those alone', async () => {
  const clock = handClock()
  const [storage, other] = [sqliteStorage({ path, clock }), sqliteStorage({ path })]
  expect(clock.waiting).toBe(0)
  const calls: (readonly string[])[] = []
  const end = storage.watch('a', (keys) => calls.push(keys))
  const endSecond = storage.watch('b', () => {})
  expect(clock.waiting).toBe(1)
  clock.fire()
  await Promise.resolve()
  expect(calls).toEqual([])
  await storage.commit([{ put: 'a', value }])
  clock.fire()
  await Promise.resolve()
  expect(calls, 'its own commit, once').toEqual([['a']])
  await other.commit([{ put: 'a', value }])
  clock.fire()
  await Promise.resolve()
  expect(calls).toEqual([['a'], []])
  end()
  expect(clock.waiting).toBe(1)
  endSecond()
  expect(clock.waiting).toBe(0)
  storage.watch('a', (keys) => calls.push(keys))
  await storage.close()
  expect(clock.waiting, 'timers after close').toBe(0)
  await other.close()
})

test('strict is synchronous=FULL, relaxed NORMAL, and strict again FULL', async () => {
  // Seen from outside, by what SQLite says of the connection that commits: the pragma is a property of the connection alone.
  const executed: string[] = []
  const { sqliteStorageOver } = await import('../src/sqlite-storage.js')
  const driver = openDatabase(path)
  const storage = sqliteStorageOver(
    {
      ...driver,
      transaction: (body, mode) => {
        executed.push(String(driver.prepare('PRAGMA synchronous').get()?.synchronous))
        return driver.transaction(body, mode)
      },
    },
    {},
  )
  executed.length = 0
  await storage.commit([{ put: 'a', value }])
  await storage.commit([{ put: 'a', value }], { durability: 'relaxed' })
  await storage.commit([{ put: 'a', value }], { durability: 'relaxed' })
  await storage.commit([{ put: 'a', value }], { durability: 'strict' })
  expect(executed).toEqual(['2', '1', '1', '2'])
  await storage.close()
})

test('a database of something else is refused and left as it is', () => {
  const foreign = openDatabase(path)
  foreign.exec('CREATE TABLE diary (text TEXT)')
  foreign.close()
  expect(codeOf(() => sqliteStorage({ path }))).toBe('storage/corrupt')
  const again = openDatabase(path)
  expect(again.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'diary' }])
  again.close()
})

test('a newer format is protocol/unsupported-version', async () => {
  await sqliteStorage({ path }).close()
  const driver = openDatabase(path)
  driver.exec('PRAGMA user_version = 2')
  driver.close()
  expect(codeOf(() => sqliteStorage({ path }))).toBe('protocol/unsupported-version')
})

test('a full disk is storage/full, changes nothing, and the store goes on', async () => {
  const { sqliteStorageOver } = await import('../src/sqlite-storage.js')
  const driver = openDatabase(path)
  const storage = sqliteStorageOver(driver, {})
  const { version } = await storage.commit([{ put: 'a', value }])
  driver.exec('PRAGMA max_page_count = 20')
  const large = new Uint8Array(100_000)
  await expect(storage.commit([{ delete: 'a' }, { put: 'b', value: large }, { put: 'c', value: large }])).rejects.toMatchObject({ code: 'storage/full' })
  expect((await storage.list('')).map(({ key }) => key)).toEqual(['a'])
  driver.exec('PRAGMA max_page_count = 10000')
  expect((await storage.commit([{ put: 'b', value: large }])).version).toBe(version + 1)
  await storage.close()
})

test('a lost commit counter is storage/corrupt and not a fresh start', async () => {
  const storage = sqliteStorage({ path })
  await storage.commit([{ put: 'a', value }])
  const driver = openDatabase(path)
  driver.exec('DELETE FROM meta')
  await expect(storage.commit([{ put: 'b', value }])).rejects.toMatchObject({ code: 'storage/corrupt' })
  expect((await storage.list('')).map(({ key }) => key)).toEqual(['a'])
  driver.close()
  await storage.close()
})

test('bad options are client/invalid-argument', () => {
  for (const watchIntervalMs of [0, -1, 1.5, Number.NaN]) expect(codeOf(() => sqliteStorage({ path, watchIntervalMs }))).toBe('client/invalid-argument')
  expect(codeOf(() => sqliteStorage({ path: '' }))).toBe('client/invalid-argument')
})

test('a store in memory works', async () => {
  const storage = sqliteStorage({ path: ':memory:' })
  await storage.commit([{ put: 'a', value }])
  expect((await storage.get('a'))?.version).toBe(1)
  await storage.close()
})
