// `pnpm verify`: everything that has to hold before a change lands. `pnpm verify types lint` runs these steps alone,
// `pnpm verify --except tests` all but these.
import './node-version.mjs'
import { join } from 'node:path'
import { bootstrap, ROOT } from './bootstrap.mjs'
import { run } from './processes.mjs'

const node = (script, ...args) => [process.execPath, [join(ROOT, 'scripts', script), ...args]]
const tool = (name, ...args) => [join(ROOT, 'node_modules/.bin', name), args]

const STEPS = {
  build: [node('build.mjs', '--types')],
  types: [tool('tsc', '-p', 'tsconfig.json', '--noEmit')],
  lint: [tool('biome', 'lint', '--error-on-warnings', '.'), tool('eslint', '--max-warnings=0', 'packages', 'examples')],
  format: [tool('biome', 'check', '--linter-enabled=false', '.')],
  imports: [tool('depcruise', '--config', '.dependency-cruiser.cjs', 'packages', 'examples'), node('check-guards.mjs')],
  unused: [tool('knip', '--no-progress', '--no-config-hints')],
  size: [node('check-size.mjs')],
  snippets: [node('check-snippets.mjs')],
  deploy: [node('check-deploy.mjs')],
  packages: [node('check-packages.mjs')],
  mutants: [node('mutants.mjs')],
  tests: [node('test.mjs')],
}
/** These read what the step before them makes. */
const NEEDS = { size: 'build', packages: 'build' }

const words = process.argv.slice(2)
const except = words[0] === '--except'
const named = except ? words.slice(1) : words
const unknown = named.filter((name) => !(name in STEPS))
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}. The steps are: ${Object.keys(STEPS).join(' ')}`)
  process.exit(2)
}
const chosen = Object.keys(STEPS).filter((name) => (except ? !named.includes(name) : named.length === 0 || named.includes(name)))
for (const name of chosen) if (NEEDS[name] && !chosen.includes(NEEDS[name])) chosen.unshift(NEEDS[name])

await bootstrap()
const results = []
for (const name of chosen) {
  if (results.some((result) => result.name === NEEDS[name] && result.verdict !== 'ok')) {
    results.push({ name, verdict: 'not run', seconds: 0 })
    continue
  }
  console.log(`\n── ${name} ${'─'.repeat(Math.max(3, 60 - name.length))}`)
  const started = Date.now()
  let passed = true
  for (const [command, args] of STEPS[name]) passed = (await run(command, args, { cwd: ROOT })) === 0 && passed
  results.push({ name, verdict: passed ? 'ok' : 'FAILED', seconds: (Date.now() - started) / 1000 })
}

console.log(`\n${'step'.padEnd(10)} ${'result'.padEnd(8)} ${'seconds'.padStart(8)}`)
for (const { name, verdict, seconds } of results) console.log(`${name.padEnd(10)} ${verdict.padEnd(8)} ${seconds.toFixed(1).padStart(8)}`)
const failed = results.filter(({ verdict }) => verdict !== 'ok')
console.log(failed.length === 0 ? '\nverify: all good' : `\nverify: ${failed.map(({ name }) => name).join(', ')} failed`)
process.exitCode = failed.length === 0 ? 0 : 1
