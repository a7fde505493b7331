import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

/** What somebody without Chromium has to type. */
export const CHROMIUM_INSTALL = 'apt-get update && apt-get install -y chromium (or set CHROMIUM_PATH)'

const KNOWN_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

/** The browser's path, or undefined where there is none; CHROMIUM_PATH, if set, alone counts. */
export function chromiumPath() {
  const named = process.env.CHROMIUM_PATH
  if (named) return existsSync(named) ? named : undefined
  return KNOWN_PATHS.find((path) => existsSync(path))
}

/**
 * Serves the files to a fresh headless Chromium and resolves to the page's title once it has changed from `waiting`.
 * Rejects with what the console said when the page fails or the time is up.
 * @param {(path: string) => Promise<{ type: string, body: Uint8Array | string } | undefined>} read the file of a path such as `/main.js`
 */
export async function titleOfPage(read, timeout = 60_000) {
  const server = createServer(async (request, response) => {
    try {
      const file = await read(request.url === '/' ? '/index.html' : request.url)
      response.writeHead(file ? 200 : 404, { 'content-type': file?.type ?? 'text/plain' }).end(file?.body ?? 'not here')
    } catch (error) {
      response.writeHead(500).end(String(error))
    }
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  })
  try {
    const page = await browser.newPage()
    const said = []
    page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => said.push(`error: ${error.stack}`))
    await page.goto(`http://localhost:${server.address().port}/`)
    await page.waitForFunction("document.title !== 'waiting'", undefined, { timeout }).catch((error) => {
      throw new Error(`${error.message}\n${said.join('\n')}`)
    })
    return await page.title()
  } finally {
    await browser.close()
    server.closeAllConnections()
    server.close()
  }
}
