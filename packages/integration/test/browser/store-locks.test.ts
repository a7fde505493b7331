import { resolve } from 'node:path'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { bundleForBrowser, launchChromium, type ScriptServer, serveScript } from '../../src/chromium.js'
import type { LockKit } from './store-locks.page.js'

declare const locks: LockKit

describeInChromium('locks of the local store in Chromium', () => {
  let server: ScriptServer
  let browser: Browser
  let page: Page
  let devtools: CDPSession
  let authenticator: string

  /** An authenticator of the platform, as a laptop with a fingerprint reader has one. */
  const plugIn = async (hasPrf: boolean): Promise<string> => {
    const options = {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      hasPrf,
    } as const
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options: { ...options, automaticPresenceSimulation: true } })
    return authenticatorId
  }
  beforeAll(async () => {
    server = await serveScript(await bundleForBrowser(resolve(import.meta.dirname, 'store-locks.page.ts')))
    browser = await launchChromium()
    page = await browser.newPage()
    await page.goto(server.url)
    devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    authenticator = await plugIn(true)
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })
  const open = (...args: Parameters<LockKit['open']>): ReturnType<LockKit['open']> => page.evaluate((given) => locks.open(...given), args)

  test('a passkey of the authenticator opens the store, again after a reload, and nothing else does', async () => {
    expect(await open('passkey', 'passkey')).toEqual(['passkey'])
    await page.reload()
    expect(await open('passkey', 'none')).toBe('storage/unlock-needed')
    expect(await open('passkey', 'passphrase')).toBe('storage/unlock-needed')
    expect(await open('passkey', 'passkey')).toEqual(['passkey'])
  })

  test('a passkey and a passphrase both open one store', async () => {
    expect(await open('both', 'passkey', 'passphrase')).toEqual(['passkey', 'passphrase'])
    expect(await open('both', 'passphrase')).toEqual(['passkey', 'passphrase'])
    expect(await open('both', 'passkey')).toEqual(['passkey', 'passphrase'])
  })

  test('the device’s key opens the store, cannot be read by a script, and without it nothing opens', async () => {
    expect(await open('device', 'none', 'device')).toEqual(['device'])
    await page.reload()
    expect(await open('device', 'none')).toBe('storage/unlock-needed')
    expect(await open('device', 'device')).toEqual(['device'])
    expect(await page.evaluate((name) => locks.exportDeviceKey(name), 'device')).toBe('InvalidAccessError')
    await page.evaluate(() => new Promise((done) => Object.assign(indexedDB.deleteDatabase('securechat-key/device'), { onsuccess: done, onblocked: done })))
    await page.reload()
    expect(await open('device', 'device')).toBe('storage/wrong-key')
  })

  test('an authenticator that verifies nobody opens nothing', async () => {
    await devtools.send('WebAuthn.setUserVerified', { authenticatorId: authenticator, isUserVerified: false })
    expect(await open('passkey', 'passkey')).toBe('client/cancelled')
  })

  test('an authenticator without PRF is said to be unsupported, and the store stays as it was', async () => {
    await devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: authenticator })
    authenticator = await plugIn(false)
    expect(await open('plain', 'none', 'passkey')).toBe('client/unsupported')
    expect(await open('plain', 'none')).toEqual([])
  })
})
