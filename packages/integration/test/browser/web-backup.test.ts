import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, expect, it } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { signInTerminal, startServer } from '../../src/processes.js'
import { openProfile, type Profile, showChatsWeb, signInWeb, startChatWeb, WEB_DIST, webAppBuilt, writeWeb } from '../../src/web-app.js'

const ALICE = '+14155550100'
const BOB = '+14155550101'
const PIN = '246810'

describeInChromium('PIN, backup and words in the web app', () => {
  const ending: (() => Promise<unknown> | void)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })
  const pane = (page: Page, hash: string): Promise<void> =>
    page.evaluate((to) => {
      location.hash = to
    }, hash)

  it('a lost browser: the number needs its PIN, and the 24 words bring account, chats and messages back', { timeout: 180_000 }, async () => {
    expect(webAppBuilt(), 'the web app is built').toBe(true)
    const dir = mkdtempSync(join(tmpdir(), 'securechat-backup-'))
    ending.push(() => rmSync(dir, { recursive: true, force: true }))
    const server = await startServer({ data: join(dir, 'data'), staticDir: WEB_DIST })
    ending.push(() => server.kill())
    const bob = await signInTerminal(server, { store: join(dir, 'bob.db'), phone: BOB, name: 'Bob' })
    ending.push(() => bob.kill())
    const open = async (name: string): Promise<{ profile: Profile; page: Page }> => {
      const profile = await openProfile(join(dir, name))
      ending.push(() => profile.close())
      return { profile, page: await profile.context.newPage() }
    }

    const lost = await open('lost')
    await signInWeb(lost.page, server, { phone: ALICE, name: 'Alice' })
    await startChatWeb(lost.page, BOB)
    await writeWeb(lost.page, 'before the loss')
    await bob.event(({ event, text }) => event === 'message' && text === 'before the loss')
    bob.write('/open 1')
    bob.write('/accept')
    bob.write('an answer')
    await lost.page.getByTestId('message').filter({ hasText: 'an answer' }).waitFor()

    await pane(lost.page, '#/settings')
    await lost.page.getByTestId('open-pin').click()
    for (const field of ['pin-new', 'pin-again']) await lost.page.getByTestId(field).fill(PIN)
    await lost.page.getByTestId('save-pin').click()
    await lost.page.getByRole('dialog').waitFor({ state: 'detached' })
    await lost.page.getByTestId('open-pin').click()
    await lost.page.getByTestId('pin-since').waitFor()
    await lost.page.getByRole('button', { name: 'Cancel' }).click()

    await pane(lost.page, '#/backup')
    await lost.page.getByTestId('create-backup').click()
    const words = await lost.page.getByTestId('backup-words').locator('[data-word]').allInnerTexts()
    expect(words).toHaveLength(24)
    await lost.page.getByTestId('words-written').click()
    const asked = lost.page.locator('input[data-testid^=word-]')
    const places = await asked.evaluateAll((inputs) => inputs.map((input) => Number((input as HTMLElement).dataset.testid?.slice(5))))
    expect(places.length).toBeGreaterThanOrEqual(3)
    for (const place of places) await lost.page.getByTestId(`word-${place}`).fill('zebra')
    await lost.page.getByTestId('enable-backup').click()
    await lost.page.getByText('not the one on your paper').waitFor()
    for (const place of places) await lost.page.getByTestId(`word-${place}`).fill(words[place - 1] ?? '')
    await lost.page.getByTestId('enable-backup').click()
    await lost.page.getByText(/^Last backup: /).waitFor({ timeout: 30_000 })
    expect(lost.profile.problems).toEqual([])
    await lost.profile.close()

    const { profile, page } = await open('found')
    await page.goto(server.url)
    await page.getByTestId('phone-input').fill(ALICE)
    await page.getByTestId('request-code').click()
    const code = await server.code(ALICE)
    await page.getByTestId('code-input').click()
    await page.keyboard.type(code)
    await page.getByTestId('pin-input').fill('135790')
    await page.getByTestId('confirm-pin').click()
    await page.getByText(/That is not the PIN\. \d tries are left/).waitFor()
    await page.getByTestId('have-words').click()
    await page.getByTestId('restore-words').fill([...words].reverse().join(' '))
    await page.getByTestId('restore').click()
    await page.getByText('not the words of this account').waitFor()
    await page.getByTestId('restore-words').fill(`  ${words.join('\n').toUpperCase()} `)
    await page.getByTestId('restore').click()
    await page.getByTestId('chat-row').filter({ hasText: 'Bob' }).click({ timeout: 30_000 })
    for (const text of ['before the loss', 'an answer']) await page.getByTestId('message').filter({ hasText: text }).waitFor()
    await writeWeb(page, 'found again')
    await bob.event(({ event }) => event === 'identity-recovered', { what: 'Bob being told' })
    await bob.event(({ event, text }) => event === 'message' && text === 'found again')
    bob.write('welcome back')
    await page.getByTestId('message').filter({ hasText: 'welcome back' }).waitFor()
    await showChatsWeb(page)
    await pane(page, '#/backup')
    await page.locator('[data-testid=backup-state][data-enabled]').waitFor()
    expect(profile.problems).toEqual([])
  })
})
