// `node scripts/server-folder.mjs OUT`: the reference server with everything that it needs to run and nothing else, as one folder (start it with
// `node OUT/dist/bin.js`). The container image is this folder on top of Node. The same commit at the same place gives the same bytes, names and times:
// what it prints at the end is the hash of all of them. Times are SOURCE_DATE_EPOCH (seconds), or 0.
import './node-version.mjs'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, lstatSync, lutimesSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { ROOT } from './bootstrap.mjs'
import { buildOrExit } from './build.mjs'
import { capture } from './processes.mjs'

const SERVER = '@securechat/server-node'
const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

const fail = (text) => {
  console.error(text)
  process.exit(1)
}

const target = process.argv[2] && resolve(process.argv[2])
if (!target) fail('Usage: node scripts/server-folder.mjs OUT')
if (existsSync(target) && readdirSync(target).length > 0) fail(`${target} is not empty.`)
const epoch = Number(process.env.SOURCE_DATE_EPOCH || 0)
if (!Number.isInteger(epoch) || epoch < 0) fail('SOURCE_DATE_EPOCH takes whole seconds since 1970.')

/** Everything below a folder, itself included, in one order; links are not followed. */
function walk(path) {
  const children = lstatSync(path).isDirectory() ? readdirSync(path).sort() : []
  return [path, ...children.flatMap((name) => walk(join(path, name)))]
}

/** What running does not need: declarations and source maps, the sources of our own packages, SQLite's C sources, and files that say when or where they were made. */
function isSuperfluous(path) {
  const name = relative(target, path)
  if (/(^|\/)node_modules\/(\.bin|\.modules\.yaml|\.pnpm-workspace-state[^/]*)$/.test(name)) return true
  if (name === 'pnpm-lock.yaml' || name === 'node_modules/.pnpm/lock.yaml') return true
  if (/(^|\/)node_modules\/better-sqlite3\/(deps|src|binding\.gyp)$/.test(name)) return true
  return /\.(map|d\.ts|d\.cts|d\.mts)$/.test(name) || /(^|\/@securechat\/[^/]+\/)src$/.test(name)
}

await buildOrExit({ only: [SERVER] })
// No scripts: SQLite is the only package with code to compile, and the workspace has it compiled already.
const pnpm = [
  '--yes',
  packageManager,
  '--config.inject-workspace-packages=true',
  '--filter',
  SERVER,
  '--prod',
  '--ignore-scripts',
  '--prefer-offline',
  'deploy',
  target,
]
const { code, output } = await capture('npx', pnpm, { cwd: ROOT, env: { ...process.env, CI: 'true', npm_config_update_notifier: 'false' } })
if (code !== 0) fail(`pnpm deploy ended with ${code}:\n${output}`)

const compiled = 'build/Release/better_sqlite3.node'
const sqlite = realpathSync(join(ROOT, 'packages/storage-sqlite/node_modules/better-sqlite3'))
const copies = walk(target).filter((path) => path.endsWith('/node_modules/better-sqlite3') && lstatSync(path).isDirectory())
if (copies.length !== 1) fail(`better-sqlite3 is there ${copies.length} times.`)
mkdirSync(dirname(join(copies[0], compiled)), { recursive: true })
cpSync(join(sqlite, compiled), join(copies[0], compiled))

for (const path of walk(target)) if (isSuperfluous(path)) rmSync(path, { recursive: true, force: true })

const hash = createHash('sha256')
let files = 0
let bytes = 0
for (const path of walk(target).reverse()) {
  const stat = lstatSync(path)
  // A link that leads out of the folder would lead nowhere in an image.
  if (stat.isSymbolicLink() && relative(target, realpathSync(path)).startsWith('..')) fail(`${relative(target, path)} leads out of the folder.`)
  const content = stat.isFile() ? readFileSync(path) : Buffer.from(stat.isSymbolicLink() ? readlinkSync(path) : '')
  if (stat.isFile() && stat.nlink > 1) {
    // pnpm links to the workspace and to its store, whose times are not ours to change.
    rmSync(path)
    writeFileSync(path, content, { mode: stat.mode })
  }
  hash.update(`${relative(target, path)}\0${stat.mode.toString(8)}\0${content.length}\0`).update(content)
  lutimesSync(path, epoch, epoch)
  if (stat.isFile()) files++
  bytes += content.length
}
console.log(`${files} files, ${(bytes / 1_000_000).toFixed(1)} MB\nsha256 ${hash.digest('hex')}`)
