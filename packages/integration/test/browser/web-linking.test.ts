import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, expect, it } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { writeCodeFilm } from '../../src/camera-film.js'
import { signInTerminal, startServer, startTerminal } from '../../src/processes.js'
import {
  approveLinkWeb,
  confirmLinkWeb,
  openDevicesWeb,
  openProfile,
  otherWayWeb,
  type Profile,
  showChatsWeb,
  showLinkCodeWeb,
  signInWeb,
  startChatWeb,
  WEB_DIST,
  webAppBuilt,
  writeWeb,
} from '../../src/web-app.js'

const ALICE = '+14155550100'
const BOB = '+14155550101'
const FAKE_CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

describeInChromium('linked devices in the web app', () => {
  const ending: (() => Promise<unknown> | void)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  const message = (page: Page, text: string) => page.getByTestId('message').filter({ hasText: text })
  const chat = (page: Page, text: string) => page.getByTestId('chat-row').filter({ hasText: text })

  const scene = async () => {
    expect(webAppBuilt(), 'the web app is built').toBe(true)
    const dir = mkdtempSync(join(tmpdir(), 'securechat-linking-'))
    ending.push(() => rmSync(dir, { recursive: true, force: true }))
    const server = await startServer({ data: join(dir, 'data'), staticDir: WEB_DIST })
    ending.push(() => server.kill())
    const profiles: Profile[] = []
    const profile = async (name: string, extraArguments: readonly string[] = []) => {
      const opened = await openProfile(join(dir, name), extraArguments)
      profiles.push(opened)
      ending.push(() => opened.close())
      return opened
    }
    return { dir, server, profile, problems: () => profiles.flatMap(({ problems }) => problems) }
  }

  it('a second browser is linked by a picture of its code, both show one chat, and being removed ends it', { timeout: 180_000 }, async () => {
    const { dir, server, profile, problems } = await scene()
    const phone = await (await profile('phone')).context.newPage()
    const laptop = await (await profile('laptop')).context.newPage()
    await signInWeb(phone, server, { phone: ALICE, name: 'Alice' })
    await showLinkCodeWeb(laptop, server)

    // A picture without a code, and text that is none: both say so, and the scanner goes on.
    await otherWayWeb(phone)
    await phone
      .getByTestId('code-picture')
      .setInputFiles({ name: 'wall.png', mimeType: 'image/png', buffer: await phone.getByTestId('link-device').screenshot({ timeout: 5_000 }) })
    await phone.getByText('There is no code in this picture').waitFor()
    await phone.getByTestId('code-text').fill(`${server.url}/link#code`)
    await phone.getByTestId('use-code-text').click()
    await phone.getByText('This is no linking code').waitFor()

    await phone.getByTestId('code-picture').setInputFiles({ name: 'code.png', mimeType: 'image/png', buffer: await laptop.getByTestId('qr-code').screenshot() })
    const digits = await confirmLinkWeb(laptop)
    // Other digits are refused, and nothing is signed.
    await phone.getByTestId('link-digits').pressSequentially(digits === '000000' ? '000001' : '000000')
    await phone.getByTestId('approve-link').click()
    await phone.getByText('These are not the digits').waitFor()
    await approveLinkWeb(phone, digits)
    await laptop.getByTestId('new-chat').waitFor({ timeout: 30_000 })
    expect(await phone.getByTestId('device-row').count()).toBe(2)

    const bob = await signInTerminal(server, { store: join(dir, 'bob.db'), phone: BOB, name: 'Bob' })
    ending.push(() => bob.kill())
    await showChatsWeb(phone)
    await startChatWeb(phone, BOB)
    await writeWeb(phone, 'from the phone')
    await chat(laptop, 'from the phone').click()
    await message(laptop, 'from the phone').waitFor()
    bob.write('/open 1')
    bob.write('/accept')
    bob.write('hello to both')
    await message(phone, 'hello to both').waitFor()
    await message(laptop, 'hello to both').waitFor()

    // Only the primary device removes others.
    await openDevicesWeb(laptop)
    await laptop.getByTestId('device-row').nth(1).click()
    await laptop.getByTestId('device-name').waitFor()
    expect(await laptop.getByTestId('revoke-device').count()).toBe(0)
    expect(await laptop.getByTestId('link-device').count()).toBe(0)
    await openDevicesWeb(phone)
    await phone.getByTestId('device-row').nth(1).click()
    await phone.getByTestId('device-name').fill('Old laptop')
    await phone.getByTestId('rename-device').click()
    await phone.getByTestId('device-row').filter({ hasText: 'Old laptop' }).click()
    await phone.getByTestId('revoke-device').click()
    await phone.getByTestId('confirm-revoke').click()
    await laptop.getByTestId('signed-out').waitFor({ timeout: 30_000 })
    await phone.getByTestId('device-row').nth(1).waitFor({ state: 'detached' })
    expect(problems()).toEqual([])
  })

  it('the camera reads the code of another browser', { timeout: 180_000 }, async () => {
    const { dir, server, profile, problems } = await scene()
    const first = await profile('phone')
    await signInWeb(await first.context.newPage(), server, { phone: ALICE, name: 'Alice' })
    await first.close()
    const laptop = await (await profile('laptop')).context.newPage()
    const code = await showLinkCodeWeb(laptop, server)
    const film = join(dir, 'code.y4m')
    writeCodeFilm(film, code)

    const phone = await (await profile('phone', [...FAKE_CAMERA, `--use-file-for-fake-video-capture=${film}`])).context.newPage()
    await phone.goto(server.url)
    await phone.getByTestId('new-chat').waitFor()
    await openDevicesWeb(phone)
    await phone.getByTestId('link-device').click()
    await approveLinkWeb(phone, await confirmLinkWeb(laptop))
    await laptop.getByTestId('new-chat').waitFor({ timeout: 30_000 })
    expect(problems()).toEqual([])
  })

  it('a linked browser becomes the primary device, and the other one hands over only for the right digits', { timeout: 180_000 }, async () => {
    const { server, profile, problems } = await scene()
    const phone = await (await profile('phone')).context.newPage()
    const laptop = await (await profile('laptop')).context.newPage()
    await signInWeb(phone, server, { phone: ALICE, name: 'Alice' })
    const scanText = async (code: string): Promise<void> => {
      await otherWayWeb(phone)
      await phone.getByTestId('code-text').fill(code)
      await phone.getByTestId('use-code-text').click()
    }
    await scanText(await showLinkCodeWeb(laptop, server))
    await approveLinkWeb(phone, await confirmLinkWeb(laptop))
    await laptop.getByTestId('new-chat').waitFor({ timeout: 30_000 })

    await openDevicesWeb(laptop)
    await laptop.getByTestId('promote').click()
    await laptop.getByText('You have no 24 words.').waitFor()
    await laptop.getByTestId('promote-anyway').click()
    await scanText((await laptop.getByTestId('link-code').textContent())?.trim() ?? '')
    await phone.getByText('will hold the key of your account').waitFor()
    const digits = (await laptop.getByTestId('link-digits-shown').innerText({ timeout: 30_000 })).replace(/\D/g, '')
    await laptop.getByTestId('confirm-promotion').click()
    await phone.getByTestId('link-digits').pressSequentially(String((Number(digits) + 1) % 1_000_000).padStart(6, '0'))
    await phone.getByTestId('approve-link').click()
    await phone.getByText('These are not the digits of the other screen').waitFor()
    await phone.getByTestId('link-digits').fill('')
    await approveLinkWeb(phone, digits)
    await laptop.getByTestId('promoted').waitFor({ timeout: 30_000 })
    await laptop.getByTestId('promotion-end').click()
    await laptop.getByTestId('link-device').waitFor()
    await phone.getByTestId('promote').waitFor()
    expect(problems()).toEqual([])
  })

  it('a terminal is linked to a browser by the text of its code, and a browser to a terminal; each is removed', { timeout: 180_000 }, async () => {
    const { dir, server, profile, problems } = await scene()
    const page = await (await profile('phone')).context.newPage()
    await signInWeb(page, server, { phone: ALICE, name: 'Alice' })
    const terminal = startTerminal({ server: server.url, store: join(dir, 'alice.db') })
    ending.push(() => terminal.kill())
    terminal.write('link')
    const { code } = await terminal.event(({ event }) => event === 'link-code')
    await otherWayWeb(page)
    await page.getByTestId('code-text').fill(String(code))
    await page.getByTestId('use-code-text').click()
    const { digits, phone } = await terminal.event(({ event }) => event === 'link-answered')
    expect(phone).toBe(ALICE)
    terminal.write('yes')
    await approveLinkWeb(page, String(digits))
    await terminal.event(({ event }) => event === 'ready')
    await page.getByTestId('device-row').nth(1).click()
    await page.getByTestId('revoke-device').click()
    await page.getByTestId('confirm-revoke').click()
    await terminal.event(({ event }) => event === 'signed-out')

    const bob = await signInTerminal(server, { store: join(dir, 'bob.db'), phone: BOB, name: 'Bob' })
    ending.push(() => bob.kill())
    const tablet = await (await profile('tablet')).context.newPage()
    bob.write('/link https://chat.example.com/link#code')
    await bob.event(({ event, code: problem }) => event === 'problem' && problem === 'client/invalid-argument')
    bob.write(`/link ${await showLinkCodeWeb(tablet, server)}`)
    bob.write(await confirmLinkWeb(tablet))
    await bob.event(({ event, deviceId }) => event === 'link-done' && deviceId === 2)
    await tablet.getByTestId('new-chat').waitFor({ timeout: 30_000 })
    bob.write('/devices')
    await bob.event(({ event, deviceId, primary }) => event === 'device' && deviceId === 2 && primary === false)
    bob.write('/revoke 2')
    await bob.event(({ event, deviceId }) => event === 'revoked' && deviceId === 2)
    await tablet.getByTestId('signed-out').waitFor({ timeout: 30_000 })
    expect(problems()).toEqual([])
  })
})
