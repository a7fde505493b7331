import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClientStorage } from '@securechat/storage'
import { casesFor } from '@securechat/storage/conformance'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase, type SqlEngine } from '../src/driver/index.js'
import { sqliteStorage } from '../src/index.js'

const hasNodeSqlite = process.getBuiltinModule('node:sqlite') !== undefined
const engines: readonly SqlEngine[] = hasNodeSqlite ? ['better-sqlite3', 'node:sqlite'] : ['better-sqlite3']

describe.each(engines)('sqliteStorage on %s', (engine) => {
  let folder: string
  let opened: ClientStorage[]
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'securechat-sqlite-'))
    opened = []
  })
  afterEach(async () => {
    for (const storage of opened) await storage.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const context = {
    open: async (name = 'main') => {
      const storage = sqliteStorage({ path: join(folder, `${name}.db`), engine, watchIntervalMs: 5 })
      opened.push(storage)
      return storage
    },
  }
  for (const { name, run } of casesFor(['reopen', 'several', 'remote-watch'])) test(name, () => run(context))
})

test('the engine that is used by default is better-sqlite3', () => {
  const driver = openDatabase(':memory:')
  expect(driver.engine).toBe('better-sqlite3')
  driver.close()
})
