import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../src/driver/index.js'
import { sqliteStorage } from '../src/index.js'
import { finished, firstOutput, startProcess } from './child-process.js'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'securechat-sqlite-'))
  path = join(folder, 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const generationOf = (value: Uint8Array): number => new DataView(value.buffer, value.byteOffset).getUint32(0)

/** Starts the writer and kills it after so many acknowledged commits; returns the last acknowledged one. */
function writeAndKill(acknowledgements: number): Promise<number> {
  const child = startProcess('crash-writer', path)
  let [output, problems] = ['', '']
  child.stderr?.on('data', (chunk) => {
    problems += chunk
  })
  child.stdout?.on('data', (chunk) => {
    output += chunk
    if (output.split('\n').length > acknowledgements) child.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    child.on('close', (_, signal) => {
      const lines = output.split('\n').slice(0, -1)
      if (signal === 'SIGKILL') resolve(Number(lines.at(-1)))
      else reject(new Error(`the writer ended by itself: ${problems}`))
    })
  })
}

describe('a process killed in the middle of commits', () => {
  test('leaves all of each commit or nothing, and every acknowledged one', { timeout: 60_000 }, async () => {
    let before = 0
    for (const acknowledgements of [1, 7, 40, 150, 23]) {
      const acknowledged = await writeAndKill(acknowledgements)
      expect(acknowledged).toBeGreaterThan(before)
      const storage = sqliteStorage({ path })
      const rows = await storage.list('g/')
      const generations = new Set(rows.map(({ value }) => generationOf(value)))
      expect(rows).toHaveLength(20)
      expect(generations.size, 'generations after the crash').toBe(1)
      const [generation] = generations
      expect(generation).toBeGreaterThanOrEqual(acknowledged)
      expect(new Set(rows.map(({ version }) => version)).size).toBe(1)
      expect((await storage.list('extra/')).map(({ key }) => key)).toEqual([`extra/${generation}`])
      await storage.close()
      const driver = openDatabase(path)
      expect(driver.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
      driver.close()
      before = acknowledged
    }
  })
})

describe('two processes on one file', () => {
  test('that open a new file at once lose no increment', { timeout: 60_000 }, async () => {
    const children = [1, 2].map(() => startProcess('counter', path, '100'))
    const endings = children.map(finished)
    await Promise.all(children.map(firstOutput))
    for (const child of children) child.stdin?.write('go')
    const outputs = await Promise.all(endings)
    const storage = sqliteStorage({ path })
    expect(generationOf((await storage.get('counter'))!.value)).toBe(200)
    expect((await storage.get('counter'))!.version).toBe(200)
    await storage.close()
    expect(
      outputs.map((output) => Number(output.split('\n')[1])).reduce((sum, conflicts) => sum + conflicts, 0),
      'conflicts: the two did meet',
    ).toBeGreaterThan(0)
  })

  test('a lock that another process holds is storage/locked for commits, readable meanwhile, and free after its death', { timeout: 30_000 }, async () => {
    const storage = sqliteStorage({ path, busyTimeoutMs: 50 })
    await storage.commit([{ put: 'a', value: Uint8Array.of(1) }])
    const holder = startProcess('lock-holder', path)
    await firstOutput(holder)
    await expect(storage.commit([{ put: 'a', value: Uint8Array.of(2) }])).rejects.toMatchObject({ code: 'storage/locked', retry: 'later' })
    expect([...(await storage.get('a'))!.value]).toEqual([1])
    const ended = new Promise((resolve) => holder.once('close', resolve))
    holder.kill('SIGKILL')
    await ended
    await storage.commit([{ put: 'a', value: Uint8Array.of(3) }])
    expect([...(await storage.get('a'))!.value]).toEqual([3])
    await storage.close()
  })

  test('a watch hears of commits of the other process', { timeout: 30_000 }, async () => {
    const storage = sqliteStorage({ path, watchIntervalMs: 5 })
    const heard = new Promise<readonly string[]>((resolve) => storage.watch('counter', resolve))
    const child = startProcess('counter', path, '1')
    const ended = finished(child)
    child.stdin?.write('go')
    expect(await heard).toEqual([])
    expect((await storage.get('counter'))?.version).toBe(1)
    await ended
    await storage.close()
  })
})
