import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { launchProfile } from './chromium.js'
import type { ServerProcess } from './processes.js'

export const WEB_DIST = resolve(import.meta.dirname, '../../../examples/web/dist')
export const webAppBuilt = (): boolean => existsSync(resolve(WEB_DIST, 'index.html'))

export interface Profile {
  readonly context: BrowserContext
  /** Console errors, page errors and refused requests; a test ends by expecting none. */
  readonly problems: string[]
  close(): Promise<void>
}

/** A real browser profile in its own folder: what it stored is there when it is opened again. */
export async function openProfile(folder: string, extraArguments: readonly string[] = []): Promise<Profile> {
  const context = await launchProfile(folder, extraArguments)
  const problems: string[] = []
  context.on('weberror', (error) => problems.push(`page error: ${error.error().message}`))
  context.on('console', (message) => {
    // A stopped server is part of the tests; the browser reports its refused connections by itself.
    if (message.type() === 'error' && !/ERR_CONNECTION|WebSocket connection/.test(message.text())) problems.push(`console: ${message.text()}`)
  })
  return { context, problems, close: () => context.close() }
}

/** Number → code → name, as a person would. */
export async function signInWeb(page: Page, server: ServerProcess, person: { phone: string; name: string }): Promise<void> {
  await page.goto(server.url)
  await page.getByTestId('phone-input').fill(person.phone)
  await page.getByTestId('request-code').click()
  const code = await server.code(person.phone)
  await page.getByTestId('code-input').waitFor()
  await page.getByTestId('code-input').click()
  await page.keyboard.type(code)
  await page.getByTestId('name-input').fill(person.name)
  await page.getByTestId('save-profile').click()
  await page.getByTestId('new-chat').waitFor()
}

export async function startChatWeb(page: Page, phone: string): Promise<void> {
  await page.getByTestId('new-chat').click()
  await page.getByTestId('new-chat-number').fill(phone)
  await page.getByTestId('start-chat').click()
  await page.getByTestId('composer').waitFor()
}

export async function writeWeb(page: Page, text: string): Promise<void> {
  await page.getByTestId('composer').fill(text)
  await page.getByTestId('send').click()
}

export async function showChatsWeb(page: Page): Promise<void> {
  await page.evaluate(() => {
    location.hash = '#/'
  })
  await page.getByTestId('new-chat').waitFor()
}

/** Settings → Linked devices. */
export async function openDevicesWeb(page: Page): Promise<void> {
  await page.evaluate(() => {
    location.hash = '#/devices'
  })
  await page.getByTestId('device-row').first().waitFor()
}

/** The new device: from the number's step to the code that it shows. */
export async function showLinkCodeWeb(page: Page, server: ServerProcess): Promise<string> {
  await page.goto(server.url)
  await page.getByTestId('link-instead').click()
  await page.getByTestId('qr-code').waitFor()
  return (await page.getByTestId('link-code').textContent())?.trim() ?? ''
}

/** The new device: the digits, once somebody has scanned; and the word that it is the right account. */
export async function confirmLinkWeb(page: Page): Promise<string> {
  const digits = (await page.getByTestId('link-digits-shown').innerText({ timeout: 30_000 })).replace(/\D/g, '')
  await page.getByTestId('confirm-link').click()
  return digits
}

/** The primary device: from the scanned code to the end. */
export async function approveLinkWeb(page: Page, digits: string): Promise<void> {
  await page.getByTestId('link-digits').pressSequentially(digits)
  await page.getByTestId('approve-link').click()
  await page.getByTestId('linked').waitFor({ timeout: 30_000 })
  await page.getByTestId('link-end').click()
}

/** The scanner's ways for a device without a camera, behind their warning. */
export async function otherWayWeb(page: Page): Promise<void> {
  await openDevicesWeb(page)
  await page.getByTestId('link-device').click()
  await page.getByTestId('link-other-way').click()
  await page.getByTestId('code-is-mine').check()
}
