// Every screen × phone and desktop × light and dark into /screenshots at the root of the repository, each looked over by axe. Fails on an axe
// violation, a content security policy violation, an error on the console, or a scene that cannot be reached.
//
//   node scripts/screenshots.mjs [PART-OF-A-NAME | =NAME …] [--phone | --desktop] [--light | --dark]
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { serveDemo } from './demo-server.mjs'
import { SCENES } from './scenes.mjs'

const WEB = resolve(import.meta.dirname, '..')
const OUT = resolve(WEB, '../../screenshots')
const VIEWPORTS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } }
const WORKERS = 2

const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path))
if (!executablePath) {
  console.error('chromium is missing: apt-get install -y chromium (or set CHROMIUM to its path)')
  process.exit(1)
}
const flags = new Set(process.argv.slice(2).filter((argument) => argument.startsWith('--')))
const parts = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const wanted = (choices) => (choices.some((choice) => flags.has(`--${choice}`)) ? choices.filter((choice) => flags.has(`--${choice}`)) : choices)

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const jobs = wanted(['phone', 'desktop']).flatMap((kind) =>
  wanted(['light', 'dark']).flatMap((theme) =>
    SCENES.filter(
      ({ name, only }) =>
        (!only || only === kind) && (parts.length === 0 || parts.some((part) => (part.startsWith('=') ? name === part.slice(1) : name.includes(part)))),
    ).map((scene) => ({
      scene,
      kind,
      theme,
    })),
  ),
)
const problems = []

async function shoot(browser, url, { scene, kind, theme }) {
  const label = `${scene.name}.${kind}.${theme}`
  const context = await browser.newContext({
    viewport: VIEWPORTS[kind],
    colorScheme: theme,
    // Both ways to write the time of day.
    locale: theme === 'light' ? 'en-GB' : 'en-US',
    timezoneId: 'Europe/Vienna',
    reducedMotion: 'reduce',
    deviceScaleFactor: kind === 'phone' ? 2 : 1,
  })
  const page = await context.newPage()
  // An error boundary's screen reports its defect on the console by design.
  if (scene.scene !== 'defect') {
    page.on('console', (message) => message.type() === 'error' && problems.push(`${label}: console: ${message.text()}`))
    page.on('pageerror', (error) => problems.push(`${label}: page error: ${error.message}`))
  }
  try {
    await page.clock.setFixedTime(new Date('2026-11-20T14:32:00+01:00'))
    await page.goto(`${url}?scene=${scene.scene}${scene.hash ?? ''}`)
    await page.locator('main').first().waitFor()
    await scene.act?.(page, kind)
    await page.waitForTimeout(350)
    await page.screenshot({ path: join(OUT, `${label}.png`) })
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
    for (const { id, help, nodes } of violations)
      problems.push(
        `${label}: axe ${id}: ${help}\n    ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)}\n      ${failureSummary?.replaceAll('\n', '\n      ')}`).join('\n    ')}`,
      )
  } catch (error) {
    problems.push(`${label}: ${error instanceof Error ? error.message : error}`)
    await page.screenshot({ path: join(OUT, `${label}.failed.png`) }).catch(() => undefined)
  } finally {
    await context.close()
  }
}

if (parts.length === 0 && flags.size === 0) await rm(OUT, { recursive: true, force: true })
await mkdir(OUT, { recursive: true })
const demo = await serveDemo(WEB)
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
const started = Date.now()
const queue = [...jobs]
await Promise.all(
  Array.from({ length: WORKERS }, async () => {
    for (let job = queue.shift(); job; job = queue.shift()) await shoot(browser, demo.url, job)
  }),
)
await browser.close()
await demo.close()
console.log(
  `${jobs.length} screenshots of ${new Set(jobs.map(({ scene }) => scene.name)).size} states in ${OUT} (${Math.round((Date.now() - started) / 1000)} s)`,
)
if (problems.length > 0) {
  console.error(`\n${problems.join('\n')}\n\n${problems.length} problem${problems.length === 1 ? '' : 's'}.`)
  process.exit(1)
}
console.log('axe, the content security policy and the console: nothing found.')
