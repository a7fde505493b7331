import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'

/** What somebody without Chromium has to type. */
export const CHROMIUM_INSTALL = 'apt-get update && apt-get install -y chromium (or set CHROMIUM_PATH)'

const KNOWN_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

/** --no-sandbox: tests run as root in containers. The rest keeps the browser from talking to anybody but the test. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run']

/** The browser's path, or undefined if there is none; CHROMIUM_PATH comes first and, if set, alone counts. */
export function chromiumAvailable(): string | undefined {
  const named = process.env.CHROMIUM_PATH
  if (named) return existsSync(named) ? named : undefined
  return KNOWN_PATHS.find((path) => existsSync(path))
}

function executable(): string {
  const path = chromiumAvailable()
  if (!path) throw new Error(`Chromium is missing: ${CHROMIUM_INSTALL}`)
  return path
}

/** A browser whose contexts are private: what they store is gone with them. The caller closes it. */
export function launchChromium(extraArguments: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: executable(), args: [...ARGUMENTS, ...extraArguments] })
}

/** A browser profile in a folder: what it stored is there when it is opened again. The caller closes it. */
export function launchProfile(folder: string, extraArguments: readonly string[] = []): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, { executablePath: executable(), args: [...ARGUMENTS, ...extraArguments] })
}

/** One classic script with everything that `entryFile` imports: of our packages the sources or, with `built`, the files that an app's bundler gets. */
export async function bundleForBrowser(entryFile: string, { built = false } = {}): Promise<string> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entryFile],
    bundle: true,
    write: false,
    metafile: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    conditions: built ? [] : ['@securechat/source'],
    logLevel: 'silent',
  })
  const sources = Object.keys(metafile.inputs).filter((path) => /packages\/(?!integration\/)[^/]+\/src\//.test(path))
  if (built && sources.length > 0) throw new Error(`not from the built packages: ${sources[0]}`)
  return outputFiles[0]!.text
}

export interface ScriptServer {
  /** http://localhost:PORT/, a secure context. Answers every path with a page that runs the script. */
  readonly url: string
  close(): Promise<void>
}

/** Serves the script to local browsers: pages need an origin to store anything. */
export async function serveScript(script: string): Promise<ScriptServer> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/bundle.js'
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8' })
    response.end(isScript ? script : '<!doctype html><link rel="icon" href="data:,"><title>test</title><script src="/bundle.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}
