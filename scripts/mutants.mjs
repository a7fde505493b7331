// `pnpm mutants [part of a name …]`: every mutants/*.patch breaks one thing on purpose, and the test that it names has to notice.
//
//   # what: acknowledges before the commit
//   # test: packages/server/test/mailbox.test.ts -t "stores before it acknowledges"
//   --- a/packages/server/src/mailbox/mailbox.ts
//   +++ b/packages/server/src/mailbox/mailbox.ts
//
// The name is literal (no pattern), a part of the test's full name ("suite test") that fits this one test. Unpatched the
// test passes, patched it fails; a patch that does not apply or a test that does not run is an error, not a success.
import './node-version.mjs'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { bootstrap, ROOT } from './bootstrap.mjs'
import { buildOrExit } from './build.mjs'
import { copyOfRepository } from './copy-of-repository.mjs'
import { capture, inParallel } from './processes.mjs'

const FOLDER = join(ROOT, 'mutants')
const LIMIT_MS = { unit: 120_000, processes: 600_000 }

/** These run built files, so the copy is built too. The attacks and the test network run from source, in one process. */
const fromBuilt = ({ file }) => /^(packages\/integration\/(?!test\/(attacks\/|devices\/|fuzz\/|network\.test))|examples\/)/.test(file)
const usesBuiltFiles = ({ tests }) => tests.some(fromBuilt)

function read(patch) {
  const header = readFileSync(patch, 'utf8').split(/^(?:diff --git|--- )/m, 1)[0]
  const tests = [...header.matchAll(/^# test: (\S+) -t "(.+)"\s*$/gm)].map(([, file, name]) => ({ file, name }))
  return { patch, name: basename(patch, '.patch'), what: /^# what: (.+)$/m.exec(header)?.[1] ?? '', tests }
}

/** Each named test's outcome in the copy: `passed`, `failed`, or why there is none. */
async function runTests(copy, tests, limitMs) {
  const outcomes = new Map()
  for (const file of new Set(tests.map((test) => test.file))) {
    const names = tests.filter((test) => test.file === file).map((test) => test.name)
    const report = join(copy, '.cache', `report-${Math.random().toString(36).slice(2)}.json`)
    const pattern = names.map((name) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    // Transformed modules are kept by their contents: a patch changes a few of hundreds.
    const cache = ['--experimental.fsModuleCache', `--experimental.fsModuleCachePath=${join(copy, '.cache/modules')}`]
    const args = [vitest, 'run', file, '-t', pattern, '--reporter=json', `--outputFile=${report}`, ...cache]
    const env = { ...process.env, SECURECHAT_VECTORS: process.env.SECURECHAT_VECTORS ?? resolve(ROOT, '../shared/vectors') }
    const { code, output } = await capture(process.execPath, args, { cwd: copy, env, timeout: limitMs })
    const results = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap((one) => one.assertionResults) : []
    for (const name of names) {
      const fitting = results.filter(({ fullName, status }) => fullName.includes(name) && ['passed', 'failed'].includes(status))
      let outcome = fitting[0]?.status
      if (!existsSync(report)) outcome = code > 128 ? 'timed out' : 'did not run'
      else if (fitting.length === 0) outcome = 'did not run'
      else if (fitting.length > 1) outcome = `name fits ${fitting.length} tests`
      outcomes.set(`${file} -t "${name}"`, { outcome, output })
    }
  }
  return outcomes
}

/** What the named tests say of the patched copy. */
async function judge(mutant, copy) {
  if (usesBuiltFiles(mutant)) {
    const built = await capture(process.execPath, [join(copy, 'scripts/build.mjs')], { cwd: copy })
    if (built.code !== 0) return ['DOES NOT BUILD', built.output]
  }
  const outcomes = await runTests(copy, mutant.tests, usesBuiltFiles(mutant) ? LIMIT_MS.processes : LIMIT_MS.unit)
  const others = [...outcomes].filter(([, { outcome }]) => outcome !== 'failed')
  if (others.length === 0) return ['caught', '']
  const [test, { outcome, output }] = others[0]
  return outcome === 'passed' ? ['SURVIVED', test] : [outcome.toUpperCase(), `${test}\n${output.split('\n').slice(-15).join('\n')}`]
}

async function tryMutant(mutant, copy) {
  const started = Date.now()
  const end = (verdict, detail = '') => ({ ...mutant, verdict, detail, seconds: (Date.now() - started) / 1000 })
  // Out of reach of any repository around the copy, which would make git skip the files silently.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(copy) }
  const apply = (...options) => capture('git', ['apply', '--whitespace=nowarn', ...options, mutant.patch], { cwd: copy, env })
  const applied = await apply()
  if (applied.code !== 0) return end('DOES NOT APPLY', applied.output)
  const [verdict, detail] = await judge(mutant, copy)
  const undone = await apply('-R')
  if (undone.code !== 0) throw new Error(`${mutant.name} could not be undone: ${undone.output}`)
  return end(verdict, detail)
}

await bootstrap()
const wanted = process.argv.slice(2)
const patches = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.patch')) : []
const mutants = patches
  .sort()
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .map((name) => read(join(FOLDER, name)))
if (mutants.length === 0) {
  console.error(wanted.length > 0 ? `No mutant's name has ${wanted.join(' or ')} in it.` : 'There are no mutants.')
  process.exit(1)
}
if (mutants.some(usesBuiltFiles)) await buildOrExit()

const temporary = realpathSync(mkdtempSync(join(tmpdir(), 'securechat-mutants-')))
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }))
const copies = ['a', 'b'].map((name) => join(temporary, name))
for (const copy of copies) {
  copyOfRepository(copy)
  mkdirSync(join(copy, '.cache'), { recursive: true })
}

// CI has just run all tests of this very tree, and all have passed.
const havePassed = process.env.SECURECHAT_TESTS_PASSED === '1'
if (!havePassed) console.log(`Running the ${mutants.length} mutants’ tests unpatched …`)
const results = []
const sound = []
const unnamed = mutants.filter((mutant) => mutant.tests.length === 0)
for (const mutant of unnamed) results.push({ ...mutant, verdict: 'NAMES NO TEST', detail: '', seconds: 0 })
const named = mutants.filter((mutant) => !unnamed.includes(mutant))
const tests = [...new Map(named.flatMap((mutant) => mutant.tests).map((test) => [JSON.stringify(test), test])).values()]
const unpatched = new Map()
const runUnpatched = async (copy, some) => {
  for (const [test, outcome] of await runTests(copy, some, LIMIT_MS.processes)) unpatched.set(test, outcome)
}
// Whole files side by side, as many as there are copies; whole processes afterwards, alone.
const files = [...new Set(tests.filter((test) => !fromBuilt(test)).map(({ file }) => file))]
if (!havePassed) {
  await Promise.all(
    copies.map((copy, at) =>
      runUnpatched(
        copy,
        tests.filter(({ file }) => files.includes(file) && files.indexOf(file) % copies.length === at),
      ),
    ),
  )
  await runUnpatched(copies[0], tests.filter(fromBuilt))
}
for (const mutant of named) {
  const broken = havePassed ? [] : mutant.tests.map(({ file, name }) => `${file} -t "${name}"`).filter((test) => unpatched.get(test).outcome !== 'passed')
  if (broken.length === 0) sound.push(mutant)
  else results.push({ ...mutant, verdict: 'UNPATCHED', detail: `${broken[0]}: ${unpatched.get(broken[0]).outcome}`, seconds: 0 })
}

const tell = (result) => {
  results.push(result)
  console.log(`  ${result.verdict.padEnd(14)} ${result.name}`)
}
const free = [...copies]
const job = (mutant) => async () => {
  const copy = free.pop()
  tell(await tryMutant(mutant, copy))
  free.push(copy)
}
const slow = sound.filter(usesBuiltFiles)
await inParallel(sound.filter((mutant) => !slow.includes(mutant)).map(job), copies.length)
// Whole processes and kills: one at a time, as in the tests.
await inParallel(slow.map(job), 1)

const bad = results.filter(({ verdict }) => verdict !== 'caught')
console.log('\n| mutant | what it breaks | result | s |\n|---|---|---|---|')
for (const { name, what, verdict, seconds } of results.sort((a, b) => (a.name < b.name ? -1 : 1)))
  console.log(`| ${name} | ${what} | ${verdict} | ${seconds.toFixed(1)} |`)
for (const { name, verdict, detail } of bad) if (detail) console.error(`\n${name}: ${verdict}\n${detail}`)
console.log(`\n${results.length - bad.length} of ${results.length} mutants caught.`)
process.exitCode = bad.length === 0 ? 0 : 1
