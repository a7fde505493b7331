import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, expect, it } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { startServer } from '../../src/processes.js'
import { openProfile, signInWeb, WEB_DIST, webAppBuilt } from '../../src/web-app.js'

const FIRST = 'correct horse battery'
const SECOND = 'another four plain words'

describeInChromium('the lock of the web app', () => {
  const ending: (() => Promise<unknown> | void)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  const openLock = async (page: Page) => {
    await page.evaluate(() => {
      location.hash = '#/lock'
    })
    await page.getByTestId('lock-state').waitFor()
  }
  const unlock = async (page: Page, passphrase: string) => {
    await page.getByTestId('passphrase').fill(passphrase)
    await page.getByTestId('unlock-now').click()
  }

  it('set, locked in both tabs, wrong and right passphrase, changed, removed, and forgotten', { timeout: 180_000 }, async () => {
    expect(webAppBuilt(), 'the web app is built').toBe(true)
    const dir = mkdtempSync(join(tmpdir(), 'securechat-lock-'))
    ending.push(() => rmSync(dir, { recursive: true, force: true }))
    const server = await startServer({ data: join(dir, 'data'), staticDir: WEB_DIST })
    ending.push(() => server.kill())
    const profile = await openProfile(join(dir, 'alice'))
    ending.push(() => profile.close())
    const page = await profile.context.newPage()
    await signInWeb(page, server, { phone: '+14155550100', name: 'Alice' })

    await openLock(page)
    await page.getByTestId('set-passphrase').click()
    await page.getByTestId('passphrase-new').fill('short')
    await page.getByTestId('save-passphrase').click()
    await page.getByText('At least 10 characters').waitFor()
    await page.getByTestId('passphrase-new').fill(FIRST)
    await page.getByTestId('passphrase-again').fill(`${FIRST}s`)
    await page.getByTestId('save-passphrase').click()
    await page.getByText('The two are not the same').waitFor()
    await page.getByTestId('passphrase-again').fill(FIRST)
    await page.getByTestId('save-passphrase').click()
    await page.getByTestId('lock-row').waitFor()

    const second = await profile.context.newPage()
    await second.goto(server.url)
    await second.getByTestId('unlock').waitFor()
    await page.getByTestId('lock-now').click()
    await page.getByTestId('unlock').waitFor()
    await unlock(page, 'not the passphrase')
    await page.getByText('That is not the right passphrase').waitFor()
    expect(await page.getByTestId('chat-list').count()).toBe(0)
    await unlock(page, FIRST)
    await page.getByTestId('lock-state').waitFor()

    await page.getByTestId('change-passphrase').click()
    await page.getByTestId('passphrase-current').fill('not the passphrase')
    await page.getByTestId('passphrase-new').fill(SECOND)
    await page.getByTestId('passphrase-again').fill(SECOND)
    await page.getByTestId('save-passphrase').click()
    await page.getByText('That is not the passphrase of now').waitFor()
    await page.getByTestId('passphrase-current').fill(FIRST)
    await page.getByTestId('save-passphrase').click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.reload()
    await unlock(page, FIRST)
    await page.getByText('That is not the right passphrase').waitFor()
    await unlock(page, SECOND)
    await page.getByTestId('lock-state').waitFor()

    await page.getByTestId('remove-lock').click()
    await page.getByTestId('confirm-remove-lock').click()
    await page.locator('[data-testid=lock-state][data-locked=false]').waitFor()
    await page.reload()
    await page.getByTestId('lock-state').waitFor()

    await page.getByTestId('set-passphrase').click()
    await page.getByTestId('passphrase-new').fill(FIRST)
    await page.getByTestId('passphrase-again').fill(FIRST)
    await page.getByTestId('save-passphrase').click()
    await page.getByTestId('lock-row').waitFor()
    await second.close()
    await page.reload()
    await page.getByTestId('forgot').click()
    await page.getByRole('alertdialog').getByRole('textbox').fill('erase')
    await page.getByTestId('confirm-forget').click()
    await page.getByTestId('phone-input').waitFor({ timeout: 20_000 })
    expect(profile.problems).toEqual([])
  })
})
