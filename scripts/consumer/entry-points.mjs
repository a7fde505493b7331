// Every entry point loads by itself, and loading is all that it does: nothing printed, no global added, nothing left running.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const load = process.argv[2] === 'cjs' ? async (name) => require(name) : (name) => import(name)
const running = () => process.getActiveResourcesInfo().filter((kind) => !/^(Pipe|TTY|FSReq|Immediate|Close)/.test(kind))

/** zod keeps its registry there, so that two copies of it share one; undici is Node’s own fetch. */
const GLOBALS_OF_LIBRARIES = /^(__zod_|Symbol\(undici\.)/
const globals = new Set(Reflect.ownKeys(globalThis))
for (const method of ['log', 'info', 'warn', 'error', 'debug']) {
  console[method] = (...args) => {
    throw new Error(`printed at import: ${args.join(' ')}`)
  }
}
for (const name of JSON.parse(readFileSync('entry-points.json', 'utf8'))) {
  const names = Object.keys(await load(name))
  if (names.length === 0) throw new Error(`${name} exports nothing`)
  const added = Reflect.ownKeys(globalThis).filter((key) => !globals.has(key) && !GLOBALS_OF_LIBRARIES.test(String(key)))
  if (added.length > 0) throw new Error(`${name} adds globals: ${added.map(String).join(', ')}`)
  if (running().length > 0) throw new Error(`${name} leaves something running: ${running().join(', ')}`)
}
