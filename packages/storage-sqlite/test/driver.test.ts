import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isSecureChatError } from '@securechat/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadEngine } from '../src/driver/engines.js'
import { openDatabase, type SqlDriver, type SqlEngine } from '../src/driver/index.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'securechat-driver-'))
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

const engines: readonly SqlEngine[] = process.getBuiltinModule('node:sqlite') ? ['better-sqlite3', 'node:sqlite'] : ['better-sqlite3']

describe.each(engines)('SqlDriver on %s', (engine) => {
  let driver: SqlDriver
  beforeEach(() => {
    driver = openDatabase(join(folder, 'test.db'), { engine })
    driver.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT UNIQUE, bytes BLOB, number INTEGER)')
  })
  afterEach(() => driver.close())

  test('says which engine it is and opens in WAL mode, synced, with foreign keys', () => {
    expect(driver.engine).toBe(engine)
    expect(driver.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    expect(driver.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
    expect(driver.prepare('PRAGMA foreign_keys').get()).toEqual({ foreign_keys: 1 })
    const relaxed = openDatabase(join(folder, 'relaxed.db'), { engine, synchronous: 'normal', secureDelete: true })
    expect(relaxed.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 1 })
    expect(relaxed.prepare('PRAGMA secure_delete').get()).toEqual({ secure_delete: 1 })
    relaxed.close()
  })

  test('gives values back as they were: text, bytes (the empty ones too), integers, null', () => {
    const insert = driver.prepare('INSERT INTO t (text, bytes, number) VALUES (?, ?, ?)')
    expect(insert.run('é', Uint8Array.of(0, 255), Number.MAX_SAFE_INTEGER)).toEqual({ changes: 1, lastInsertRowid: 1 })
    expect(insert.run(null, new Uint8Array(0), -5n)).toEqual({ changes: 1, lastInsertRowid: 2 })
    const rows = driver.prepare<{ bytes: Uint8Array }>('SELECT * FROM t ORDER BY id').all()
    expect(rows).toEqual([
      { id: 1, text: 'é', bytes: Uint8Array.of(0, 255), number: Number.MAX_SAFE_INTEGER },
      { id: 2, text: null, bytes: new Uint8Array(0), number: -5 },
    ])
    for (const { bytes } of rows) expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    expect(driver.prepare('SELECT * FROM t WHERE id = ?').get(3)).toBeUndefined()
    expect(driver.prepare('DELETE FROM t').run()).toMatchObject({ changes: 2 })
  })

  test('an integer beyond 2^53 is an error and not another number', () => {
    driver.prepare('INSERT INTO t (number) VALUES (?)').run(2n ** 53n + 1n)
    expect(() => driver.prepare('SELECT number FROM t').get()).toThrow()
  })

  test('a transaction keeps all or, when its body throws, nothing', () => {
    const insert = driver.prepare('INSERT INTO t (text) VALUES (?)')
    const count = (): unknown => driver.prepare('SELECT count(*) AS n FROM t').get()?.n
    expect(driver.transaction(() => insert.run('a').changes + insert.run('b').changes)).toBe(2)
    expect(() =>
      driver.transaction(() => {
        insert.run('c')
        throw new Error('mine')
      }),
    ).toThrow('mine')
    expect(count()).toBe(2)
    expect(codeOf(() => driver.transaction(() => insert.run('d').changes + insert.run('a').changes))).toBe('storage/conflict')
    expect(count()).toBe(2)
    expect(driver.transaction(() => insert.run('e').changes)).toBe(1)
  })

  test('a transaction is neither nested nor asynchronous', () => {
    const insert = driver.prepare('INSERT INTO t (text) VALUES (?)')
    expect(codeOf(() => driver.transaction(() => driver.transaction(() => 1)))).toBe('client/invalid-argument')
    expect(codeOf(() => driver.transaction(async () => insert.run('a')))).toBe('client/invalid-argument')
    expect(driver.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 0 })
  })

  test('a deferred transaction reads one state while another connection writes', () => {
    const other = openDatabase(join(folder, 'test.db'), { engine })
    const count = driver.prepare<{ n: number }>('SELECT count(*) AS n FROM t')
    const seen = driver.transaction(() => {
      const before = count.get()?.n
      other.prepare('INSERT INTO t (text) VALUES (?)').run('x')
      return [before, count.get()?.n]
    }, 'deferred')
    expect(seen).toEqual([0, 0])
    expect(count.get()).toEqual({ n: 1 })
    other.close()
  })

  test('a lock held by another connection is storage/locked', () => {
    const other = openDatabase(join(folder, 'test.db'), { engine, busyTimeoutMs: 10 })
    driver.transaction(() => {
      expect(codeOf(() => other.transaction(() => 1))).toBe('storage/locked')
      expect(codeOf(() => other.exec("INSERT INTO t (text) VALUES ('x')"))).toBe('storage/locked')
    })
    expect(other.transaction(() => 1)).toBe(1)
    other.close()
  })

  test('a database that may not grow is storage/full, rolled back, and usable again', () => {
    driver.exec('PRAGMA max_page_count = 20')
    const insert = driver.prepare('INSERT INTO t (bytes) VALUES (?)')
    const fill = (): void =>
      driver.transaction(() => {
        for (let i = 0; i < 50; i++) insert.run(new Uint8Array(4_000))
      })
    expect(codeOf(fill)).toBe('storage/full')
    expect(driver.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 0 })
    driver.exec('PRAGMA max_page_count = 1000')
    fill()
    expect(driver.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 50 })
  })

  test('a mistake in the SQL stays the engine’s error', () => {
    expect(codeOf(() => driver.exec('SELEKT'))).toMatch(/^untyped: .*syntax error/)
    expect(codeOf(() => driver.prepare('SELECT * FROM missing'))).toMatch(/^untyped: .*no such table/)
  })

  test('after close everything throws storage/closed; close can be called again', () => {
    const statement = driver.prepare('SELECT 1')
    driver.close()
    driver.close()
    for (const work of [
      () => statement.get(),
      () => statement.all(),
      () => statement.run(),
      () => driver.exec('SELECT 1'),
      () => driver.prepare('SELECT 1'),
      () => driver.transaction(() => 1),
    ]) {
      expect(codeOf(work)).toBe('storage/closed')
    }
  })

  test('a file that is no database, or a damaged one, is storage/corrupt', () => {
    const text = join(folder, 'text.db')
    writeFileSync(text, 'this is a diary and not a database, and it is longer than a header'.repeat(50), { mode: 0o644 })
    expect(codeOf(() => openDatabase(text, { engine }))).toBe('storage/corrupt')
    expect(statSync(text).mode & 0o777, 'the mode of a file that is not ours').toBe(0o644)
  })
})

describe('openDatabase', () => {
  test('makes the folder and files for their owner only, and restricts those it finds', () => {
    const path = join(folder, 'deep', 'er', 'test.db')
    const driver = openDatabase(path)
    driver.exec('CREATE TABLE t (id INTEGER)')
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777, file).toBe(0o600)
    expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700)
    driver.close()
    const open = join(folder, 'open.db')
    writeFileSync(open, '', { mode: 0o644 })
    openDatabase(open).close()
    expect(statSync(open).mode & 0o777).toBe(0o600)
  })

  test('opening and closing a second connection leaves the locks of the first', () => {
    const path = join(folder, 'test.db')
    const first = openDatabase(path, { busyTimeoutMs: 0 })
    first.transaction(() => {
      openDatabase(path).close()
      const other = openDatabase(path, { busyTimeoutMs: 0 })
      expect(codeOf(() => other.transaction(() => 1))).toBe('storage/locked')
      other.close()
    })
    first.close()
  })

  test('a path that cannot be is storage/unavailable', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(codeOf(() => openDatabase(join(folder, 'file', 'test.db')))).toBe('storage/unavailable')
    expect(codeOf(() => openDatabase(folder))).toBe('storage/unavailable')
  })

  test('bad options are client/invalid-argument', () => {
    for (const path of ['', 'nul\0', 5]) expect(codeOf(() => openDatabase(path as string))).toBe('client/invalid-argument')
    for (const options of [{ busyTimeoutMs: -1 }, { busyTimeoutMs: 0.5 }, { synchronous: 'off' }, { engine: 'duckdb' }]) {
      expect(codeOf(() => openDatabase(':memory:', options as never))).toBe('client/invalid-argument')
    }
  })
})

describe('loading an engine', () => {
  const fails = (reason: string) => () => {
    throw new Error(reason)
  }
  test('without any: storage/unavailable, with the line that helps and the causes', () => {
    let error: unknown
    try {
      loadEngine(undefined, { 'better-sqlite3': fails('no binding'), 'node:sqlite': fails('old Node') })
    } catch (caught) {
      error = caught
    }
    expect(isSecureChatError(error, 'storage/unavailable')).toBe(true)
    expect(String(error)).toContain('npm install better-sqlite3@12.11.1')
    expect(((error as Error).cause as AggregateError).errors.map((cause: Error) => cause.message)).toEqual(['no binding', 'old Node'])
  })
  test('better-sqlite3 first, node:sqlite if it cannot be loaded, and only the one that was asked for', () => {
    const engine = (name: SqlEngine) => ({ name, open: fails('not opened'), row: fails('no row') })
    const both = { 'better-sqlite3': () => engine('better-sqlite3'), 'node:sqlite': () => engine('node:sqlite') }
    expect(loadEngine(undefined, both).name).toBe('better-sqlite3')
    expect(loadEngine(undefined, { ...both, 'better-sqlite3': fails('no binding') }).name).toBe('node:sqlite')
    expect(codeOf(() => loadEngine('better-sqlite3', { ...both, 'better-sqlite3': fails('no binding') }))).toBe('storage/unavailable')
  })
  test('node:sqlite on a Node without it is storage/unavailable', ({ skip }) => {
    skip(process.getBuiltinModule('node:sqlite') !== undefined, 'this Node has node:sqlite')
    expect(codeOf(() => openDatabase(':memory:', { engine: 'node:sqlite' }))).toBe('storage/unavailable')
  })
})
