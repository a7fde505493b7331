import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type AttachmentVectors, attachmentCasesFor } from '@securechat/crypto/attachment/conformance'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { bundleForBrowser, launchChromium, type ScriptServer, serveScript } from '../../src/chromium.js'
import type { AttachmentKit } from './attachments.page.js'

declare const attachments: AttachmentKit

const VECTORS = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/attachments.json')

describeInChromium('attachments in Chromium', () => {
  let server: ScriptServer
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    server = await serveScript(await bundleForBrowser(resolve(import.meta.dirname, 'attachments.page.ts')))
    browser = await launchChromium()
    page = await browser.newPage()
    await page.goto(server.url)
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  test.each(['webcrypto', 'noble'] as const)(
    'the same cases and vectors as in Node, with %s and files of the browser',
    { timeout: 120_000 },
    async (cipher) => {
      const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')) as AttachmentVectors
      const results = await page.evaluate(([name, data]) => attachments.run(name, data), [cipher, vectors] as const)
      expect(results).toEqual(attachmentCasesFor(['web-streams']).map(({ name }) => ({ name, error: undefined })))
    },
  )
})
