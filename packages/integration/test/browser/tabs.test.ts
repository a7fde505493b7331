import { resolve } from 'node:path'
import { type Client, createClient } from '@securechat/client'
import { createServer, memoryStore } from '@securechat/server'
import { type Serving, serve } from '@securechat/server-node'
import { memoryStorage } from '@securechat/storage'
import { webSocketTransport } from '@securechat/transport/websocket'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { bundleForBrowser, launchChromium, type ScriptServer, serveScript } from '../../src/chromium.js'
import { type LedgerProxy, ledgerProxy } from '../../src/ledger-proxy.js'
import type { TabKit } from './tabs.page.js'

declare const tab: TabKit

const ALICE = '+14155550100'
const BOB = '+14155550101'
const EACH = 500

describeInChromium('several tabs in Chromium', () => {
  let pages: ScriptServer
  let browser: Browser
  let serving: Serving
  let proxy: LedgerProxy
  let bob: Client
  let context: BrowserContext
  let received: string[] = []
  const codes = new Map<string, string>()

  beforeAll(async () => {
    pages = await serveScript(await bundleForBrowser(resolve(import.meta.dirname, 'tabs.page.ts')))
    browser = await launchChromium()
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await pages?.close()
  })

  /** A server, Bob, and Alice in this many tabs of one profile; the first of them leads. */
  async function scene(count: number): Promise<Page[]> {
    serving = await serve(createServer({ store: memoryStore(), otp: { send: async ({ phone, code }) => void codes.set(phone, code) } }), { port: 0 })
    proxy = await ledgerProxy(() => serving.url)
    bob = await createClient({ storage: memoryStorage(), transport: webSocketTransport({ url: serving.url }) })
    const login = await bob.account.requestCode({ phone: BOB })
    await login.confirm({ code: codes.get(BOB)! })
    received = []
    bob.on('message', ({ message }) => void received.push(message.text))
    await bob.start()
    context = await browser.newContext()
    const tabs: Page[] = []
    for (let n = 0; n < count; n++) {
      const page = await context.newPage()
      await page.goto(pages.url)
      await page.evaluate((url) => tab.open(url), proxy.url)
      if (n === 0) {
        await page.evaluate((phone) => tab.signIn(phone), ALICE)
        await page.evaluate((code) => tab.confirm(code), codes.get(ALICE)!)
      }
      await page.evaluate(() => tab.start())
      if (n === 0) await page.evaluate((phone) => tab.chat(phone), BOB)
      tabs.push(page)
    }
    for (const page of tabs) await expect.poll(() => page.evaluate(() => tab.status()), { timeout: 20_000 }).toBe('online')
    return tabs
  }
  async function leave(): Promise<void> {
    await context.close()
    await bob.close()
    await proxy.close()
    await serving.close()
  }
  const expected = (count: number): string[] => Array.from({ length: count }, (_, n) => Array.from({ length: EACH }, (_, m) => `tab ${n}: ${m}`)).flat()
  /** Every text came once, those of each tab in their order, and no key carried two messages. */
  function expectExactlyOnce(count: number): void {
    expect(received.length).toBe(count * EACH)
    for (let n = 0; n < count; n++) {
      const own = received.filter((text) => text.startsWith(`tab ${n}:`))
      expect(own).toEqual(expected(count).slice(n * EACH, (n + 1) * EACH))
    }
    expect(proxy.reused).toEqual([])
    expect(proxy.keys.size).toBeGreaterThanOrEqual(count * EACH)
  }
  const lifecycle = (devtools: CDPSession, state: 'frozen' | 'active'): Promise<unknown> => devtools.send('Page.setWebLifecycleState', { state })

  test('attack 25: two tabs × 500 sends; the one that leads is frozen in the middle and thawed: one ratchet writer, each message once', {
    timeout: 280_000,
  }, async () => {
    const tabs = await scene(2)
    const [first, second] = tabs as [Page, Page]
    const devtools = await context.newCDPSession(first)
    const sending = tabs.map((page, n) => page.evaluate(([prefix, count]) => tab.send(prefix, count), [`tab ${n}:`, EACH] as const))
    await expect.poll(() => received.length, { timeout: 60_000 }).toBeGreaterThan(100)
    await lifecycle(devtools, 'frozen')
    const before = received.length
    await sending[1]
    // The second tab has waited for an answer, taken the lead, and gone on.
    await expect.poll(() => second.evaluate(() => tab.status()), { timeout: 60_000 }).toBe('online')
    await expect.poll(() => received.filter((text) => text.startsWith('tab 1:')).length, { timeout: 120_000 }).toBe(EACH)
    expect(received.length).toBeGreaterThan(before)
    await lifecycle(devtools, 'active')
    await sending[0]
    await expect.poll(() => received.length, { timeout: 120_000 }).toBe(2 * EACH)
    expectExactlyOnce(2)
    for (const page of tabs)
      await expect.poll(() => page.evaluate(() => tab.shown()), { timeout: 30_000 }).toEqual({ all: 2 * EACH, sent: 2 * EACH, kinds: ['text'] })
    await leave()
  })

  test('attack 25: five tabs × 500 sends; the one that leads is closed, then the next one: no loss, no duplicate, no key twice', {
    timeout: 280_000,
  }, async () => {
    const tabs = await scene(5)
    const sending = tabs.map((page, n) => page.evaluate(([prefix, count]) => tab.send(prefix, count), [`tab ${n}:`, EACH] as const))
    // Each is closed as soon as what it sends is stored, while the outbox is still full.
    await sending[0]
    await tabs[0]!.close()
    await sending[1]
    await tabs[1]!.close()
    await Promise.all(sending.slice(2))
    await expect.poll(() => received.length, { timeout: 200_000 }).toBe(5 * EACH)
    expectExactlyOnce(5)
    for (const page of tabs.slice(2)) {
      expect(await page.evaluate(() => tab.status())).toBe('online')
      await expect.poll(() => page.evaluate(() => tab.shown()), { timeout: 30_000 }).toEqual({ all: 5 * EACH, sent: 5 * EACH, kinds: ['text'] })
    }
    await leave()
  })
})
