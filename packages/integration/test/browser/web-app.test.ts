import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, expect, it } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { signInTerminal, startServer } from '../../src/processes.js'
import { openProfile, type Profile, signInWeb, startChatWeb, WEB_DIST, webAppBuilt, writeWeb } from '../../src/web-app.js'

const ALICE = '+14155550100'
const BOB = '+14155550101'

describeInChromium('the web app', () => {
  const ending: (() => Promise<unknown> | void)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  const message = (page: Page, text: string) => page.getByTestId('message').filter({ hasText: text })
  const marked = (page: Page, text: string, ...statuses: string[]) =>
    message(page, text)
      .getByTestId('message-status')
      .and(page.locator(statuses.map((status) => `[data-status=${status}]`).join()))
      .first()
      .waitFor({ timeout: 30_000 })

  const scene = async () => {
    expect(webAppBuilt(), 'the web app is built').toBe(true)
    const dir = mkdtempSync(join(tmpdir(), 'securechat-web-'))
    ending.push(() => rmSync(dir, { recursive: true, force: true }))
    const server = await startServer({ data: join(dir, 'data'), staticDir: WEB_DIST })
    ending.push(() => server.kill())
    const profiles: Profile[] = []
    const profile = async (name: string) => {
      const opened = await openProfile(join(dir, name))
      profiles.push(opened)
      ending.push(() => opened.close())
      return opened
    }
    return { dir, server, profile, problems: () => profiles.flatMap(({ problems }) => problems) }
  }

  it('sign in, chat both ways with marks, go away and come back, reload, two tabs at once, server restart', { timeout: 240_000 }, async () => {
    const { dir, server, profile, problems } = await scene()
    const [alices, bobsFirst] = [await profile('alice'), await profile('bob')]
    const alice = await alices.context.newPage()
    let bob = await bobsFirst.context.newPage()
    await signInWeb(alice, server, { phone: ALICE, name: 'Alice' })
    await signInWeb(bob, server, { phone: BOB, name: 'Bob' })

    await startChatWeb(alice, BOB)
    await writeWeb(alice, 'Hello Bob')
    await marked(alice, 'Hello Bob', 'sent', 'delivered', 'read')
    await bob.getByRole('button', { name: /Message requests/ }).click()
    await bob.getByTestId('chat-row').filter({ hasText: 'Hello Bob' }).click()
    await message(bob, 'Hello Bob').waitFor()
    await bob.getByTestId('accept-request').click()
    await marked(alice, 'Hello Bob', 'read')
    await writeWeb(bob, 'Hi Alice')
    await message(alice, 'Hi Alice').waitFor()
    await alice.getByTestId('chat-row').filter({ hasText: 'Bob' }).waitFor()

    // Bob's browser is closed while Alice writes; he reads it after reopening the same profile.
    await bobsFirst.close()
    await writeWeb(alice, 'are you there?')
    await marked(alice, 'are you there?', 'sent')
    const bobs = await profile('bob')
    bob = await bobs.context.newPage()
    await bob.goto(server.url)
    await bob.getByTestId('chat-row').filter({ hasText: 'are you there?' }).waitFor({ timeout: 20_000 })
    await marked(alice, 'are you there?', 'delivered', 'read')

    // A reload keeps the history.
    await bob.reload()
    await bob.getByTestId('chat-row').first().click()
    for (const text of ['Hello Bob', 'Hi Alice', 'are you there?']) await message(bob, text).waitFor()

    // A second tab of the same profile is live through the first, and takes over when that one closes.
    const second = await bobs.context.newPage()
    await second.goto(server.url)
    await second.getByTestId('chat-row').first().click({ timeout: 20_000 })
    await writeWeb(second, 'from the second tab')
    await message(alice, 'from the second tab').waitFor()
    await message(bob, 'from the second tab').waitFor()
    await writeWeb(alice, 'to both tabs')
    await message(second, 'to both tabs').waitFor()
    await message(bob, 'to both tabs').waitFor()
    await bob.close()
    await writeWeb(second, 'after the first tab has gone')
    await message(alice, 'after the first tab has gone').waitFor({ timeout: 30_000 })
    bob = second

    // The server goes away: both say so, both recover by themselves, and what was written meanwhile arrives once.
    await server.kill('SIGTERM')
    await alice.getByTestId('connection-banner').waitFor({ timeout: 20_000 })
    await writeWeb(alice, 'into the dark')
    await marked(alice, 'into the dark', 'queued')
    const again = await startServer({ data: join(dir, 'data'), staticDir: WEB_DIST, port: server.port })
    ending.push(() => again.kill())
    await marked(alice, 'into the dark', 'sent', 'delivered', 'read')
    await alice.getByTestId('connection-banner').waitFor({ state: 'detached', timeout: 60_000 })
    await bob.getByTestId('chat-row').first().click()
    await message(bob, 'into the dark').waitFor({ timeout: 60_000 })
    expect(await message(bob, 'into the dark').count()).toBe(1)
    expect(problems()).toEqual([])
  })

  it('a browser and a terminal chat and show one safety number', { timeout: 120_000 }, async () => {
    const { dir, server, profile, problems } = await scene()
    const page = await (await profile('alice')).context.newPage()
    await signInWeb(page, server, { phone: ALICE, name: 'Alice' })
    const bob = await signInTerminal(server, { store: join(dir, 'bob.db'), phone: BOB, name: 'Bob' })
    ending.push(() => bob.kill())
    await startChatWeb(page, BOB)
    await writeWeb(page, 'from a browser')
    await bob.event(({ event, text }) => event === 'message' && text === 'from a browser')
    bob.write('/open 1')
    bob.write('/accept')
    bob.write('from a terminal')
    await message(page, 'from a terminal').waitFor()
    bob.write('/safety')
    const { digits } = await bob.event(({ event }) => event === 'safety')
    await page.getByTestId('open-contact').click()
    const shown = (await page.getByTestId('safety-number').innerText()).replace(/\D/g, '')
    expect(shown).toBe(String(digits).replace(/\D/g, ''))
    expect(problems()).toEqual([])
  })
})
