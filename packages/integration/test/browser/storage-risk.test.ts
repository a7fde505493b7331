import { resolve } from 'node:path'
import { createServer, memoryStore } from '@securechat/server'
import { type Serving, serve } from '@securechat/server-node'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { bundleForBrowser, launchChromium, type ScriptServer, serveScript } from '../../src/chromium.js'
import type { StorageKit } from './storage-risk.page.js'

declare const storageKit: StorageKit

const ALICE = '+14155550100'

describeInChromium('what Chromium may do to the store', () => {
  let pages: ScriptServer
  let browser: Browser
  let serving: Serving
  let context: BrowserContext
  let page: Page
  let origin: string
  let devtools: CDPSession
  const codes: string[] = []

  beforeAll(async () => {
    pages = await serveScript(await bundleForBrowser(resolve(import.meta.dirname, 'storage-risk.page.ts')))
    origin = new URL(pages.url).origin
    browser = await launchChromium()
    // A person who signs in twice in a minute is not what is looked at here.
    const config = { codes: { spacingSeconds: 0 } }
    serving = await serve(createServer({ store: memoryStore(), otp: { send: async ({ code }) => void codes.push(code) }, config }), {
      port: 0,
      origins: [origin],
    })
    context = await browser.newContext()
  }, 20_000)
  afterAll(async () => {
    await browser?.close()
    await pages?.close()
    await serving?.close()
  })

  const visit = async (quotaSize?: number): Promise<void> => {
    page = await context.newPage()
    devtools = await context.newCDPSession(page)
    if (quotaSize !== undefined) await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize })
    await page.goto(pages.url)
    await page.evaluate((url) => storageKit.open(url), serving.url)
  }
  const risks = (): Promise<readonly string[]> => page.evaluate(async () => (await storageKit.state()).risks)

  test('no room, not persistent until it agrees, deleted under the client, lost at the next start, found by signing in', {
    timeout: 120_000,
  }, async () => {
    // Enough for a store, and not for a device's prekeys.
    await visit(90_000)
    expect(await risks()).toEqual(['not-persistent'])
    await page.evaluate((phone) => storageKit.signIn(phone), ALICE)
    expect(await page.evaluate((code) => storageKit.confirm(code, false), codes.at(-1)!)).toBe('storage/full')
    expect(await risks()).toEqual(['not-persistent', 'quota-low'])
    await devtools.send('Storage.overrideQuotaForOrigin', { origin })
    expect(await page.evaluate((code) => storageKit.confirm(code, false), codes.at(-1)!)).toBe(undefined)
    await expect.poll(() => page.evaluate(() => storageKit.told())).toEqual([['not-persistent']])
    // Nobody has allowed it: Chromium refuses without a question.
    expect((await page.evaluate(() => storageKit.keep())).risks).toEqual(['not-persistent'])
    const { browserContextId } = (await devtools.send('Target.getTargetInfo')).targetInfo
    await devtools.send('Browser.grantPermissions', { permissions: ['durableStorage'], origin, browserContextId: browserContextId! })
    const kept = await page.evaluate(() => storageKit.keep())
    expect(kept.risks).toEqual([])
    expect(kept.quotaBytes).toBeGreaterThan(kept.usageBytes!)

    // As the browser does it when space is short.
    await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' })
    await expect.poll(risks).toEqual(['lost'])
    await page.close()

    await visit()
    expect(await risks()).toEqual(['lost', 'not-persistent'])
    await page.evaluate((phone) => storageKit.signIn(phone), ALICE)
    expect(await page.evaluate((code) => storageKit.confirm(code, true), codes.at(-1)!)).toBe(undefined)
    expect(await risks()).toEqual(['not-persistent'])
    await page.evaluate(() => storageKit.logout())
    expect(await risks()).toEqual(['not-persistent'])
    await page.close()
    await visit()
    expect(await risks()).toEqual(['not-persistent'])
  })
})
