// `pnpm mutation [part of a path …]`: Stryker changes the cryptography and the codecs in thousands of places, one at a time, and the
// tests have to notice 90 of 100. What they do not notice is explained in mutants/survivors/*.json, or fails this command.
import './node-version.mjs'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { bootstrap, ROOT } from './bootstrap.mjs'
import { copyOfRepository } from './copy-of-repository.mjs'
import { run } from './processes.mjs'

const GOAL = 90
const NOTICED = new Set(['Killed', 'Timeout'])
const MISSED = new Set(['Survived', 'NoCoverage'])

await bootstrap()
const SURVIVORS = join(ROOT, 'mutants/survivors')
const explained = readdirSync(SURVIVORS).flatMap((name) => JSON.parse(readFileSync(join(SURVIVORS, name), 'utf8')))
const parts = process.argv.slice(2)
const copy = realpathSync(mkdtempSync(join(tmpdir(), 'securechat-mutation-')))
process.once('exit', () => rmSync(copy, { recursive: true, force: true }))
copyOfRepository(join(copy, 'tree'))

const tree = join(copy, 'tree')
const sources = ['packages/crypto/src', 'packages/protocol/src'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true }).map((name) => `${folder}/${name}`),
)
const chosen = sources.filter((file) => file.endsWith('.ts') && parts.some((part) => file.includes(part)))
if (parts.length > 0 && chosen.length === 0) {
  console.error(`No source file's path has ${parts.join(' or ')} in it.`)
  process.exit(2)
}
const mutate = parts.length === 0 ? [] : ['--mutate', chosen.join(',')]
const stryker = join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js')
const env = { ...process.env, SECURECHAT_VECTORS: process.env.SECURECHAT_VECTORS ?? resolve(ROOT, '../shared/vectors') }
const code = await run(process.execPath, [stryker, 'run', 'stryker.config.mjs', '--concurrency', String(cpus().length), ...mutate], { cwd: tree, env })
if (code !== 0) process.exit(code)

const { files } = JSON.parse(readFileSync(join(tree, 'mutation.json'), 'utf8'))
const rows = []
const unexplained = []
const used = new Set()
for (const [file, { source, mutants }] of Object.entries(files)) {
  const lines = source.split('\n')
  const missed = mutants.filter(({ status }) => MISSED.has(status))
  rows.push({ file, noticed: mutants.filter(({ status }) => NOTICED.has(status)).length, missed: missed.length })
  for (const { location, replacement, mutatorName } of missed) {
    const line = lines[location.start.line - 1].trim()
    const reason = explained.find((one) => one.file === file && one.line === line && (one.replacement === undefined || one.replacement === replacement))
    if (reason) used.add(reason)
    else unexplained.push({ at: `${file}:${location.start.line}:${location.start.column}`, mutatorName, line, replacement })
  }
}

const percent = ({ noticed, missed }) => (noticed + missed === 0 ? 100 : (100 * noticed) / (noticed + missed))
console.log('\n| file | mutants | noticed | % |\n|---|---:|---:|---:|')
for (const row of rows) console.log(`| ${row.file} | ${row.noticed + row.missed} | ${row.noticed} | ${percent(row).toFixed(1)} |`)
const total = rows.reduce((sum, { noticed, missed }) => ({ noticed: sum.noticed + noticed, missed: sum.missed + missed }), { noticed: 0, missed: 0 })

for (const { at, mutatorName, line, replacement } of unexplained) console.error(`\n${at} ${mutatorName}\n  ${line}\n  → ${replacement}`)
const stale = parts.length === 0 ? explained.filter((one) => !used.has(one)) : []
for (const { file, line } of stale) console.error(`\nExplained, but noticed or gone: ${file}\n  ${line}`)
console.log(
  `\n${total.noticed} of ${total.noticed + total.missed} mutants noticed: ${percent(total).toFixed(1)} % (goal ${GOAL}); ${unexplained.length} not noticed and not explained.`,
)
process.exitCode = percent(total) >= GOAL && unexplained.length === 0 && stale.length === 0 ? 0 : 1
