// What an app downloads before anything is shown, bundled and minified from the built packages and compressed with gzip, against a budget for every import.
import './node-version.mjs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { ROOT } from './bootstrap.mjs'
import { members } from './workspace.mjs'

const KB = 1000
const SDK = `
  export { createClient } from '@securechat/client'
  export { indexedDbStorage } from '@securechat/storage-indexeddb'
  export { webSocketTransport } from '@securechat/transport/websocket'
`

/**
 * In KB (1,000 bytes) after gzip. `own`: our code alone, without the libraries. A budget is what fails: a little above today's size, to be
 * lowered whenever it can be; `goal` is where it should get.
 */
const BUDGETS = [
  { name: 'browser SDK: client, crypto, IndexedDB, WebSocket', code: SDK, budget: 265, goal: 210 },
  { name: 'the same', code: SDK, own: true, budget: 92, goal: 44 },
  { name: '@securechat/client', code: "export * from '@securechat/client'", own: true, budget: 88 },
  { name: '@securechat/crypto', code: "export * from '@securechat/crypto'", own: true, budget: 27 },
  ...Object.entries({
    attachment: 12,
    backup: 13,
    discovery: 9,
    'discovery/server': 9,
    'franking/server': 10,
    // With the handshake and the ratchet, which carry its keys and which an app has anyway.
    group: 22,
    linking: 10.5,
    recovery: 8,
    signatures: 13,
  }).map(([path, budget]) => ({ name: `@securechat/crypto/${path}`, code: `export * from '@securechat/crypto/${path}'`, own: true, budget })),
  { name: '@securechat/react', code: "export * from '@securechat/react'", own: true, alone: true, budget: 5 },
]

const packages = members()

/** The file that an import of one of our packages means, by its `exports`. */
const built = (specifier) => {
  const [scope, name, ...rest] = specifier.split('/')
  const member = packages.find((one) => one.name === `${scope}/${name}`)
  const target = member?.manifest.exports[rest.length === 0 ? '.' : `./${rest.join('/')}`]
  if (!target?.import) throw new Error(`${specifier} is not exported`)
  return join(member.path, target.import.default)
}

/** Our names lead to the built files. With `own`, everything that is not ours stays out; with `alone`, the other packages of ours too. */
const resolution = ({ own, alone, name }) => ({
  name: 'resolution',
  setup(bundler) {
    bundler.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
      if (kind === 'entry-point') return undefined
      if (path.startsWith('@securechat/')) return alone && path !== name ? { path, external: true } : { path: built(path), sideEffects: false }
      return own ? { path, external: true } : undefined
    })
  },
})

/** Flows of the client that are loaded when somebody uses them. The cryptographic provider is also imported at run time, but by every start. */
const LATER = /^packages\/client\/dist\//

/** Files that every start loads. */
function loadedAtOnce({ outputs }) {
  const first = Object.keys(outputs).find((file) => outputs[file].entryPoint === 'size.js')
  const found = new Set([first])
  for (const file of found) {
    for (const { path, kind } of outputs[file].imports) {
      if (outputs[path] && !(kind === 'dynamic-import' && LATER.test(outputs[path].entryPoint ?? ''))) found.add(path)
    }
  }
  return [...found].map((file) => resolve(ROOT, file))
}

async function measure(entry) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: entry.code, resolveDir: ROOT, sourcefile: 'size.js' },
    bundle: true,
    splitting: true,
    metafile: true,
    outdir: join(ROOT, 'size'),
    absWorkingDir: ROOT,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
    plugins: [resolution(entry)],
  })
  const files = loadedAtOnce(metafile)
  return outputFiles.filter(({ path }) => files.includes(path)).reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0) / KB
}

let over = 0
for (const entry of BUDGETS) {
  const size = await measure(entry)
  const fits = size <= entry.budget
  if (!fits) over++
  console.log(
    `${fits ? 'ok  ' : 'OVER'} ${size.toFixed(1).padStart(7)} of ${String(entry.budget).padStart(4)} KB  ${entry.name}${entry.own ? ', own code' : ''}${entry.goal ? ` (goal ${entry.goal})` : ''}`,
  )
}
process.exitCode = over === 0 ? 0 : 1
