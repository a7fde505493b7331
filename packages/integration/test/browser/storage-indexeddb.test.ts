import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { casesFor, type StorageConformanceResult } from '@securechat/storage/conformance'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { bundleForBrowser, launchChromium, launchProfile, type ScriptServer, serveScript } from '../../src/chromium.js'
import type { HeldByPage, StorageKit } from './storage-indexeddb.page.js'

declare const kit: StorageKit
/** What a page keeps between two `evaluate`. */
declare const held: HeldByPage

describeInChromium('indexedDbStorage in Chromium', () => {
  let server: ScriptServer
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const openPage = async (): Promise<Page> => {
    const opened = await context.newPage()
    await opened.goto(server.url)
    return opened
  }
  beforeAll(async () => {
    server = await serveScript(await bundleForBrowser(resolve(import.meta.dirname, 'storage-indexeddb.page.ts')))
    browser = await launchChromium()
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })
  beforeEach(async () => {
    context = await browser.newContext()
    page = await openPage()
  })
  afterEach(() => context.close())

  test('commits are transactions with strict durability, unless relaxed is asked for', async () => {
    const seen = await page.evaluate(async () => {
      const durabilities: string[] = []
      const original = IDBDatabase.prototype.transaction
      IDBDatabase.prototype.transaction = function (...parameters) {
        const transaction = original.apply(this, parameters)
        if (transaction.mode === 'readwrite') durabilities.push(transaction.durability)
        return transaction
      }
      const storage = kit.indexedDbStorage({ name: 'durability' })
      const value = new Uint8Array(1)
      await storage.get('open')
      durabilities.length = 0
      await storage.commit([{ put: 'a', value }])
      await storage.commit([{ put: 'a', value }], { durability: 'relaxed' })
      await storage.commit([{ put: 'a', value }], { durability: 'strict' })
      return durabilities
    })
    expect(seen).toEqual(['strict', 'relaxed', 'strict'])
  })

  test('two tabs lose no increment, and do meet', { timeout: 60_000 }, async () => {
    const other = await openPage()
    const work = (tab: Page) =>
      tab.evaluate(async () => {
        const storage = kit.indexedDbStorage({ name: 'counter' })
        let conflicts = 0
        for (let i = 0; i < 150; i++) conflicts += await kit.increment(storage, 'n')
        return conflicts
      })
    const conflicts = await Promise.all([work(page), work(other)])
    const counted = await page.evaluate(async () => {
      const entry = await kit.indexedDbStorage({ name: 'counter' }).get('n')
      return entry && new DataView(entry.value.buffer).getUint16(0)
    })
    expect(counted).toBe(300)
    expect(conflicts[0] + conflicts[1]).toBeGreaterThan(0)
  })

  test('a watch hears of commits in another tab and of none in other stores, and a closing tab still announces its last commit', async () => {
    await page.evaluate(async () => {
      held.calls = []
      held.storage = kit.indexedDbStorage({ name: 'watched' })
      held.storage.watch('a/', (keys) => held.calls.push(keys))
      await held.storage.get('a/1')
    })
    const other = await openPage()
    await other.evaluate(async () => {
      const value = new Uint8Array(1)
      await kit.indexedDbStorage({ name: 'another' }).commit([{ put: 'a/no', value }])
      const storage = kit.indexedDbStorage({ name: 'watched' })
      await storage.commit([{ put: 'b', value }])
      const last = storage.commit([
        { put: 'a/2', value },
        { put: 'a/1', value },
      ])
      await storage.close()
      await last
    })
    await page.waitForFunction(() => held.calls.length > 0)
    expect(await page.evaluate(() => held.calls)).toEqual([['a/1', 'a/2']])
  })

  test('many keys at once are told to other tabs as "something"', async () => {
    await page.evaluate(async () => {
      held.calls = []
      held.storage = kit.indexedDbStorage({ name: 'many' })
      held.storage.watch('zzz', (keys) => held.calls.push(keys))
    })
    const other = await openPage()
    await other.evaluate(() =>
      kit.indexedDbStorage({ name: 'many' }).commit(Array.from({ length: 1_001 }, (_, index) => ({ put: `k${index}`, value: new Uint8Array(1) }))),
    )
    await page.waitForFunction(() => held.calls.length > 0)
    expect(await page.evaluate(() => held.calls)).toEqual([[]])
  })

  test('a full origin throws storage/full, changes nothing, and works again with room', { timeout: 60_000 }, async () => {
    const cdp = await context.newCDPSession(page)
    const origin = new URL(server.url).origin
    await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 200_000 })
    await page.evaluate(async () => {
      held.storage = kit.indexedDbStorage({ name: 'quota' })
      await held.storage.commit([{ put: 'before', value: new Uint8Array([1]) }])
    })
    const fill = () =>
      page.evaluate(() => {
        const value = crypto.getRandomValues(new Uint8Array(60_000))
        return kit.outcome(held.storage.commit([{ delete: 'before' }, ...Array.from({ length: 40 }, (_, index) => ({ put: `big/${index}`, value }))]))
      })
    expect(await fill()).toBe('storage/full')
    expect(await page.evaluate(async () => (await held.storage.list('')).map((entry) => entry.key))).toEqual(['before'])
    await cdp.send('Storage.overrideQuotaForOrigin', { origin })
    expect(await fill()).toBe('fulfilled')
    expect(await page.evaluate(async () => (await held.storage.list('')).length)).toBe(40)
  })

  test('a store deleted by another tab is lost for good here, wakes its watchers, and does not block the deletion', async () => {
    await page.evaluate(async () => {
      held.calls = []
      held.storage = kit.indexedDbStorage({ name: 'deleted' })
      await held.storage.commit([{ put: 'a', value: new Uint8Array(1) }])
      held.storage.watch('a', (keys) => held.calls.push(keys))
    })
    const other = await openPage()
    expect(await other.evaluate(() => kit.outcome(kit.deleteIndexedDbStorage({ name: 'deleted' })))).toBe('fulfilled')
    expect(await other.evaluate(async () => (await kit.indexedDbStorage({ name: 'deleted' }).list('')).length)).toBe(0)
    await page.waitForFunction(() => held.calls.length > 0)
    expect(await page.evaluate(() => held.calls)).toEqual([[]])
    const outcomes = await page.evaluate(() =>
      Promise.all([
        kit.outcome(held.storage.get('a')),
        kit.outcome(held.storage.commit([{ put: 'a', value: new Uint8Array(1) }])),
        kit.outcome(held.storage.close()),
      ]),
    )
    expect(outcomes).toEqual(['storage/unavailable', 'storage/unavailable', 'fulfilled'])
    expect(await other.evaluate(async () => (await kit.indexedDbStorage({ name: 'deleted' }).list('')).length)).toBe(0)
  })

  test('data cleared by the browser: the instance does not go on in the new, empty database', async () => {
    await page.evaluate(async () => {
      held.storage = kit.indexedDbStorage({ name: 'cleared' })
      await held.storage.commit([{ put: 'a', value: new Uint8Array(1) }])
    })
    const cdp = await context.newCDPSession(page)
    await cdp.send('Storage.clearDataForOrigin', { origin: new URL(server.url).origin, storageTypes: 'indexeddb' })
    await page.waitForFunction(async () => (await kit.outcome(held.storage.get('a'))) === 'storage/unavailable')
    expect(await page.evaluate(() => kit.outcome(held.storage.commit([{ put: 'a', value: new Uint8Array(1) }])))).toBe('storage/unavailable')
    expect(await page.evaluate(async () => (await kit.indexedDbStorage({ name: 'cleared' }).list('')).length)).toBe(0)
  })

  test('a connection that the browser closed is opened again without losing the call', async () => {
    const found = await page.evaluate(async () => {
      const original = indexedDB.open
      let database: IDBDatabase | undefined
      indexedDB.open = (name: string) => {
        const request = original.call(indexedDB, name)
        request.addEventListener('success', () => {
          database = request.result
        })
        return request
      }
      const storage = kit.indexedDbStorage({ name: 'closed-under' })
      await storage.commit([{ put: 'a', value: new Uint8Array([5]) }])
      database?.close()
      const committed = storage.commit([{ put: 'b', value: new Uint8Array([6]) }])
      const read = storage.list('')
      await committed
      return (await read).map((entry) => [entry.key, ...entry.value])
    })
    expect(found).toEqual([
      ['a', 5],
      ['b', 6],
    ])
  })

  test('an opening that a deletion blocks is given up with storage/locked, and works once it is free', async () => {
    const name = 'blocked'
    // A connection of somebody who does not give way, and a deletion that waits for it.
    await page.evaluate(async (database) => {
      await kit.indexedDbStorage({ name: database }).commit([{ put: 'a', value: new Uint8Array(1) }])
      const rude = await new Promise<IDBDatabase>((resolve) => {
        const request = indexedDB.open(`securechat/${database}`)
        request.onsuccess = () => resolve(request.result)
      })
      Object.assign(globalThis, { rude })
    }, name)
    const other = await openPage()
    expect(await other.evaluate((database) => kit.outcome(kit.deleteIndexedDbStorage({ name: database, openTimeoutMs: 100 })), name)).toBe('storage/locked')
    await other.evaluate((database) => {
      held.storage = kit.indexedDbStorage({ name: database, openTimeoutMs: 100 })
    }, name)
    expect(await other.evaluate(() => kit.outcome(held.storage.get('a')))).toBe('storage/locked')
    await page.evaluate(() => (globalThis as unknown as { rude: IDBDatabase }).rude.close())
    await other.waitForFunction(async () => (await kit.outcome(held.storage.get('a'))) === 'fulfilled')
  })

  test('records of another making are storage/corrupt, a newer format is protocol/unsupported-version', async () => {
    const outcomes = await page.evaluate(async () => {
      const raw = async (name: string, write: (store: IDBObjectStore) => void) => {
        const storage = kit.indexedDbStorage({ name })
        await storage.commit([
          { put: 'a', value: new Uint8Array(1) },
          { put: 'fine', value: new Uint8Array(1) },
        ])
        const database = await new Promise<IDBDatabase>((resolve) => {
          const request = indexedDB.open(`securechat/${name}`)
          request.onsuccess = () => resolve(request.result)
        })
        await new Promise((resolve) => {
          const transaction = database.transaction('entries', 'readwrite')
          write(transaction.objectStore('entries'))
          transaction.oncomplete = resolve
        })
        database.close()
        return storage
      }
      const broken = await raw('broken', (store) => store.put('text', 'a'))
      const noMeta = await raw('no-meta', (store) => store.delete(0))
      const newer = await raw('newer', (store) => store.put({ format: 2, id: 'x', counter: 1 }, 0))
      const value = new Uint8Array(1)
      return {
        get: await kit.outcome(broken.get('a')),
        list: await kit.outcome(broken.list('')),
        reverse: await kit.outcome(broken.list('', { reverse: true, limit: 5 })),
        neighbour: await kit.outcome(broken.get('fine')),
        expecting: await kit.outcome(broken.commit([{ put: 'b', value }], { expect: [{ key: 'a', version: 1 }] })),
        unchanged: (await broken.get('b')) === undefined,
        repaired: await kit.outcome(broken.commit([{ put: 'a', value }])),
        commitWithoutMeta: await kit.outcome(noMeta.commit([{ put: 'b', value }])),
        openWithoutMeta: await kit.outcome(kit.indexedDbStorage({ name: 'no-meta' }).get('fine')),
        commitNewer: await kit.outcome(newer.commit([{ put: 'b', value }])),
        openNewer: await kit.outcome(kit.indexedDbStorage({ name: 'newer' }).get('fine')),
      }
    })
    expect(outcomes).toEqual({
      get: 'storage/corrupt',
      list: 'storage/corrupt',
      reverse: 'storage/corrupt',
      neighbour: 'fulfilled',
      expecting: 'storage/corrupt',
      unchanged: true,
      repaired: 'fulfilled',
      commitWithoutMeta: 'storage/corrupt',
      openWithoutMeta: 'storage/corrupt',
      commitNewer: 'protocol/unsupported-version',
      openNewer: 'protocol/unsupported-version',
    })
  })

  test('persistence tells what the browser says', async () => {
    const told = await page.evaluate(() => kit.persistence({ request: true }))
    expect(told.supported).toBe(true)
    expect(typeof told.persisted).toBe('boolean')
    expect(told.quotaBytes).toBeGreaterThan(0)
  })

  test('a page of 50 out of 5,000 rows comes in one piece, from either end', { timeout: 30_000 }, async () => {
    const { keys, milliseconds } = await page.evaluate(async () => {
      const storage = kit.indexedDbStorage({ name: 'rows' })
      await storage.commit(Array.from({ length: 5_000 }, (_, index) => ({ put: `m/${String(index).padStart(5, '0')}`, value: new Uint8Array(300) })))
      const start = performance.now()
      const first = await storage.list('m/', { limit: 50 })
      const last = await storage.list('m/', { limit: 50, reverse: true })
      return { keys: [first[0]?.key, first[49]?.key, last[0]?.key, last[49]?.key, first.length + last.length], milliseconds: performance.now() - start }
    })
    expect(keys).toEqual(['m/00000', 'm/00049', 'm/04999', 'm/04950', 100])
    // Reading all rows takes several times as long; the bound is generous for slow machines.
    expect(milliseconds).toBeLessThan(500)
  })
})

describeInChromium('indexedDbStorage in Chromium: conformance', () => {
  let results: StorageConformanceResult[]
  beforeAll(async () => {
    const server = await serveScript(await bundleForBrowser(resolve(import.meta.dirname, 'storage-indexeddb.page.ts')))
    const browser = await launchChromium()
    try {
      const page = await browser.newPage()
      await page.goto(server.url)
      results = await page.evaluate(() => kit.conformance())
    } finally {
      await browser.close()
      await server.close()
    }
  }, 120_000)
  for (const { name } of casesFor(['reopen', 'several', 'remote-watch'])) {
    test(name, () => expect(results.find((result) => result.name === name)).toEqual({ name, error: undefined }))
  }
})

describeInChromium('indexedDbStorage in a Chromium that is killed', () => {
  test('strict commits survive SIGKILL, whole', { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'securechat-profile-'))
    const server = await serveScript(await bundleForBrowser(resolve(import.meta.dirname, 'storage-indexeddb.page.ts')))
    let acknowledged = 0
    let browserPid = 0
    try {
      for (const kills of [1, 2, 3]) {
        const context = await launchProfile(folder)
        const page = await context.newPage()
        await page.exposeFunction('acknowledge', (value: number) => {
          acknowledged = value
        })
        await page.goto(server.url)
        const found = await page.evaluate(async () =>
          (await kit.indexedDbStorage({ name: 'crash' }).list('g/')).map((entry) => new DataView(entry.value.buffer).getUint32(0)),
        )
        if (kills > 1) {
          expect(new Set(found).size, 'rows of one commit only').toBe(1)
          expect(found).toHaveLength(20)
          expect(found[0]).toBeGreaterThanOrEqual(acknowledged)
        }
        const before = acknowledged
        const writing = page.evaluate(async (start) => {
          const storage = kit.indexedDbStorage({ name: 'crash' })
          const { acknowledge } = globalThis as unknown as { acknowledge(value: number): Promise<void> }
          for (let value = start + 1; ; value++) {
            const bytes = new Uint8Array(4)
            new DataView(bytes.buffer).setUint32(0, value)
            await storage.commit(Array.from({ length: 20 }, (_, index) => ({ put: `g/${index}`, value: bytes })))
            await acknowledge(value)
          }
        }, before + 1)
        const ended = writing.then(
          () => 'ended',
          () => 'killed',
        )
        while (acknowledged < before + 10 * kills) await new Promise((wake) => setTimeout(wake, 5))
        const session = await context.browser()?.newBrowserCDPSession()
        const { processInfo } = (await session?.send('SystemInfo.getProcessInfo')) ?? { processInfo: [] }
        browserPid = processInfo.find((process) => process.type === 'browser')?.id ?? 0
        expect(browserPid).toBeGreaterThan(0)
        process.kill(browserPid, 'SIGKILL')
        expect(await ended).toBe('killed')
        await context.close()
      }
      expect(acknowledged).toBeGreaterThanOrEqual(60)
    } finally {
      await server.close()
      // Chromium's other processes outlive the one that was killed for a moment, and still write.
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    }
  })
})
