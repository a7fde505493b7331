// `pnpm mutation [part of a path[:from-to] …] [--concurrency N] [--static] [--tests part,part]`: Stryker changes the cryptography and the codecs in thousands
// of places, one at a time, and the tests have to notice 90 of 100. What they do not notice is explained in mutants/survivors/*.json, or fails this command.
import './node-version.mjs'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bootstrap, ROOT } from './bootstrap.mjs'
import { copyOfRepository } from './copy-of-repository.mjs'
import { report } from './mutation/report.mjs'
import { run } from './processes.mjs'

await bootstrap()
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    concurrency: { type: 'string', default: String(cpus().length) },
    static: { type: 'boolean', default: false },
    tests: { type: 'string', default: '' },
  },
})

const sources = ['packages/crypto/src', 'packages/protocol/src'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true }).map((name) => `${folder}/${name}`),
)
const parts = positionals.map((text) => {
  const [, part, lines] = text.match(/^(.*?)(:\d+-\d+)?$/)
  return { part, lines: lines ?? '' }
})
const filesWith = (part) => sources.filter((file) => file.endsWith('.ts') && !file.includes('/conformance/') && file.includes(part))
const missing = parts.filter(({ part }) => filesWith(part).length === 0)
for (const { part } of missing) console.error(`No source file's path has ${part} in it.`)
if (missing.length > 0) process.exit(2)
const chosen = parts.flatMap(({ part, lines }) => filesWith(part).map((file) => file + lines))

const copy = realpathSync(mkdtempSync(join(tmpdir(), 'securechat-mutation-')))
process.once('exit', () => rmSync(copy, { recursive: true, force: true }))
const tree = join(copy, 'tree')
copyOfRepository(tree)

const stryker = join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js')
const options = ['--concurrency', values.concurrency, ...(chosen.length > 0 ? ['--mutate', chosen.join(',')] : [])]
const env = {
  ...process.env,
  SECURECHAT_VECTORS: process.env.SECURECHAT_VECTORS ?? resolve(ROOT, '../shared/vectors'),
  SECURECHAT_MUTATION_STATIC: values.static ? '1' : '0',
  SECURECHAT_MUTATION_TESTS: values.tests,
}
const code = await run(process.execPath, [stryker, 'run', 'stryker.config.mjs', ...options], { cwd: tree, env })
if (code !== 0) process.exit(code)

const { files } = JSON.parse(readFileSync(join(tree, 'mutation.json'), 'utf8'))
const whole = parts.every(({ lines }) => lines === '')
process.exitCode = report(files, { whole }) ? 0 : 1
