// Packs every public package and judges the tarballs, as a stranger gets them: their contents, publint, are-the-types-wrong,
// and a throw-away project outside the workspace that installs them with npm and uses them from Node, Vite and esbuild.
// `--keep` leaves that project for a look.
import './node-version.mjs'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { transform } from 'esbuild'
import { ROOT } from './bootstrap.mjs'
import { CHROMIUM_INSTALL, chromiumPath, titleOfPage } from './chromium.mjs'
import { capture, inParallel } from './processes.mjs'
import { members, sourceEntries } from './workspace.mjs'

const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const packages = members().filter((member) => member.published)
const bin = (name) => join(ROOT, 'node_modules/.bin', name)

const work = realpathSync(mkdtempSync(join(tmpdir(), 'securechat-packages-')))
if (process.argv.includes('--keep')) console.log(`Kept: ${work}`)
else process.once('exit', () => rmSync(work, { recursive: true, force: true }))

let failures = 0
/** Runs one check, says how it went, and never stops the others. Resolves to whether it passed. */
async function check(name, action) {
  const started = Date.now()
  try {
    const note = await action()
    console.log(`  ok      ${name}${note ? `: ${note}` : ''} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
    return true
  } catch (error) {
    failures++
    console.log(`  FAILED  ${name}\n${String(error.message).replaceAll(/^/gm, '          ')}`)
    return false
  }
}

async function must(command, args, options) {
  const { code, output } = await capture(command, args, options)
  if (code !== 0) throw new Error(`exit code ${code}\n${output}`)
  return output
}

async function checkContents(tarball) {
  const names = (await must('tar', ['-tzf', tarball])).split('\n').map((name) => name.replace(/^package\//, ''))
  const manifest = JSON.parse(await must('tar', ['-xzOf', tarball, 'package/package.json']))
  for (const wanted of ['LICENSE', 'README.md']) if (!names.includes(wanted)) throw new Error(`${wanted} is missing`)
  const stray = names.filter((name) => !/^(package\.json|LICENSE|README\.md|CHANGELOG\.md|dist\/.*|src\/.*)$/.test(name) || /\.(test|spec)\./.test(name))
  if (stray.length > 0) throw new Error(`does not belong there: ${stray.join(', ')}`)
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue
    for (const file of [target['@securechat/source'], ...Object.values(target.import ?? {}), ...Object.values(target.require ?? {})]) {
      if (!names.includes(file.replace('./', ''))) throw new Error(`${subpath} leads to ${file}, which is not packed`)
    }
  }
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (/^(workspace|file|link):/.test(version)) throw new Error(`${name}: ${version} means nothing outside the workspace`)
  }
  if (manifest.license !== 'Apache-2.0' || manifest.sideEffects !== false || !manifest.description) throw new Error('license, sideEffects or description')
  return `${names.length} files`
}

console.log('Packing …')
await must('npx', ['--yes', root.packageManager, ...packages.flatMap(({ name }) => ['--filter', name]), 'pack', '--pack-destination', work], { cwd: ROOT })
const tarballs = new Map(packages.map((member) => [member, join(work, `${member.name.replace('@', '').replace('/', '-')}-${member.manifest.version}.tgz`)]))

console.log('Tarballs')
await inParallel(
  [...tarballs].flatMap(([member, tarball]) => [
    () => check(`contents of ${member.name}`, () => checkContents(tarball)),
    () => check(`publint ${member.name}`, () => must(bin('publint'), ['run', tarball, '--strict']).then(() => '')),
    // `node16`: the resolution of old Node versions (10), which know no subpaths, is nobody's any more.
    () => check(`types of ${member.name}`, () => must(bin('attw'), [tarball, '--profile', 'node16', '--format', 'ascii', '--no-color']).then(() => '')),
  ]),
  2,
)

const consumer = join(work, 'consumer')
const inConsumer = { cwd: consumer, env: { ...process.env, NODE_PATH: '', npm_config_update_notifier: 'false' } }
const localBin = (name) => join(consumer, 'node_modules/.bin', name)

async function install() {
  mkdirSync(consumer)
  const ours = Object.fromEntries([...tarballs].map(([member, tarball]) => [member.name, `file:${tarball}`]))
  const web = JSON.parse(readFileSync(join(ROOT, 'examples/web/package.json'), 'utf8'))
  const pinned = { ...web.dependencies, ...web.devDependencies, ...root.devDependencies }
  const devDependencies = Object.fromEntries(['vite', 'esbuild', 'typescript', '@types/node', '@types/react'].map((name) => [name, pinned[name]]))
  // `overrides`: our packages depend on each other by a version that no registry has yet.
  const overrides = Object.fromEntries(Object.keys(ours).map((name) => [name, `$${name}`]))
  const manifest = {
    name: 'consumer',
    version: '0.0.0',
    private: true,
    dependencies: { ...ours, react: pinned.react, 'react-dom': pinned['react-dom'] },
    devDependencies,
    overrides,
  }
  writeFileSync(join(consumer, 'package.json'), JSON.stringify(manifest, null, 2))
  // Install scripts would compile SQLite anew for a minute; the file that they make is taken from the workspace.
  await must('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], inConsumer)
  const sqlite = realpathSync(join(ROOT, 'packages/storage-sqlite/node_modules/better-sqlite3'))
  cpSync(join(sqlite, 'build/Release/better_sqlite3.node'), join(consumer, 'node_modules/better-sqlite3/build/Release/better_sqlite3.node'))
  const doubled = readdirSync(join(consumer, 'node_modules/@securechat')).filter((name) =>
    existsSync(join(consumer, 'node_modules/@securechat', name, 'node_modules/@securechat')),
  )
  if (doubled.length > 0) throw new Error(`installed twice below ${doubled.join(', ')}`)

  const source = readFileSync(join(ROOT, 'examples/quickstart/src/quickstart.ts'), 'utf8')
  for (const [format, extension] of Object.entries({ esm: 'mjs', cjs: 'cjs' })) {
    const { code } = await transform(source, { loader: 'ts', format, platform: 'node', target: 'node20' })
    writeFileSync(join(consumer, `quickstart.${extension}`), code)
  }
  cpSync(join(ROOT, 'scripts/consumer'), consumer, { recursive: true })

  // Every name that a package exports, in both module formats and both ways of resolving.
  const specifiers = packages.flatMap(({ name, manifest: { exports } }) => sourceEntries({ exports }).map(([subpath]) => name + subpath.slice(1)))
  const list = (line) => specifiers.map(line).join('\n')
  const used = `\nexport const all = [${specifiers.map((_, at) => `e${at}`).join(', ')}]\n`
  writeFileSync(join(consumer, 'entry-points.json'), JSON.stringify(specifiers))
  const typed = list((name, at) => `import * as e${at} from '${name}'`) + used
  mkdirSync(join(consumer, 'types'))
  for (const extension of ['mts', 'cts']) {
    writeFileSync(join(consumer, `types/all.${extension}`), typed)
    writeFileSync(join(consumer, `types/quickstart.${extension}`), source)
  }
  return `${specifiers.length} entry points`
}

const compilerOptions = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023,dom,dom.iterable,esnext.disposable', '--types', 'node']
const nodeNext = ['--module', 'nodenext', '--moduleResolution', 'nodenext']
const bundler = ['--module', 'esnext', '--moduleResolution', 'bundler']
const files = (...extensions) => extensions.flatMap((extension) => [`types/all.${extension}`, `types/quickstart.${extension}`])

const CONTENT_TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css', '.wasm': 'application/wasm' }

async function inBrowser(folder) {
  if (!chromiumPath()) throw new Error(`Chromium is missing: ${CHROMIUM_INSTALL}`)
  const title = await titleOfPage(async (path) => {
    const file = join(folder, path)
    return existsSync(file) ? { type: CONTENT_TYPES[extname(file)] ?? 'application/octet-stream', body: await readFile(file) } : undefined
  })
  if (title !== 'received: Hello Bob') throw new Error(title)
}

async function withEsbuild() {
  const folder = join(consumer, 'dist-esbuild')
  await must(localBin('esbuild'), ['web/main.js', '--bundle', `--outfile=${join(folder, 'main.js')}`], inConsumer)
  writeFileSync(join(folder, 'index.html'), readFileSync(join(consumer, 'web/index.html'), 'utf8').replace(' type="module"', ''))
  await inBrowser(folder)
}

async function withVite() {
  await must(localBin('vite'), ['build', 'web', '--outDir', '../dist-vite', '--emptyOutDir', '--logLevel', 'warn'], inConsumer)
  await inBrowser(join(consumer, 'dist-vite'))
}

console.log('A stranger’s project')
if (await check('npm install of the tarballs', install)) {
  await check('quickstart, ES modules', () => must(process.execPath, ['run.mjs', 'esm'], inConsumer))
  await check('quickstart, CommonJS', () => must(process.execPath, ['run.mjs', 'cjs'], inConsumer))
  await check('import of every entry point, which does nothing else', () => must(process.execPath, ['entry-points.mjs', 'esm'], inConsumer))
  await check('require of every entry point', () => must(process.execPath, ['entry-points.mjs', 'cjs'], inConsumer))
  await check('types, Node resolution', () => must(localBin('tsc'), [...compilerOptions, ...nodeNext, ...files('mts', 'cts')], inConsumer))
  await check('types, bundler resolution', () => must(localBin('tsc'), [...compilerOptions, ...bundler, ...files('mts')], inConsumer))
  await check('Vite bundle in Chromium', withVite)
  await check('esbuild bundle in Chromium', withEsbuild)
  await check('the server’s command', () => must(process.execPath, ['server.mjs'], inConsumer))
}
if (failures > 0) console.error(`\n${failures} package check${failures === 1 ? '' : 's'} failed.`)
process.exitCode = failures === 0 ? 0 : 1
