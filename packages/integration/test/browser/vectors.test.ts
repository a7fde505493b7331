import { resolve } from 'node:path'
import type { VectorSet } from '@securechat/crypto/conformance'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeInChromium } from '../../src/browser-suite.js'
import { bundleForBrowser, launchChromium, type ScriptServer, serveScript } from '../../src/chromium.js'
import { describeWithVectors, readVectors } from '../../src/public-vectors.js'
import { IMPLEMENTATIONS, type Through, VECTOR_SETS } from '../../src/vector-sets.js'
import type { VectorKit } from './vectors.page.js'

declare const vectors: VectorKit

const sets = (Object.keys(VECTOR_SETS) as Through[]).flatMap((through) =>
  (VECTOR_SETS[through] as readonly VectorSet<unknown>[]).map((set) => ({ through, set, name: set.name })),
)

describeInChromium('vectors in Chromium, from the built packages', () => {
  let server: ScriptServer
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    server = await serveScript(await bundleForBrowser(resolve(import.meta.dirname, 'vectors.page.ts'), { built: true }))
    browser = await launchChromium()
    page = await browser.newPage()
    await page.goto(server.url)
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  /** As many cases as in Node, each through every implementation that a browser has. */
  const everyCase = (some: typeof sets) =>
    test.each(some)('$name', { timeout: 120_000 }, async ({ through, set, name }) => {
      const data = set.file === undefined ? undefined : readVectors(set.file)
      const { length: passed } = set.plan(data).cases
      const results = await page.evaluate((input) => vectors.run(...input), [through, name, data] as Parameters<VectorKit['run']>)
      expect(results).toEqual(IMPLEMENTATIONS[through].chromium.map((implementation) => ({ set: name, implementation, passed, failures: [] })))
      expect(passed).toBeGreaterThan(0)
    })

  describe('printed in specifications', () => void everyCase(sets.filter(({ set }) => set.file === undefined)))
  describeWithVectors('public', () => void everyCase(sets.filter(({ set }) => set.file !== undefined)))

  test.each([42, 43, 44])('libsodium and noble, WebCrypto and noble agree on ordinary and hostile inputs (seed %i)', { timeout: 120_000 }, async (seed) => {
    const { providers, ciphers } = await page.evaluate((input) => vectors.compare(...input), [seed, 10] as Parameters<VectorKit['compare']>)
    expect([...providers.disagreements, ...ciphers.disagreements]).toEqual([])
    expect(providers.compared).toBeGreaterThan(400)
    expect(providers.refused).toBeGreaterThan(200)
    expect(ciphers.refused).toBeGreaterThan(50)
  })
})
