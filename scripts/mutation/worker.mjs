// A process in which the tests are loaded once: a mutant is a switch in it. `runner.mjs` says what to run, and ends it.
import { readFileSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadedFirst, testFiles } from './areas.mjs'
import { collect } from './tests.mjs'

/** What the dry run learns: the time of every test, and the mutants that run while a file is collected. */
const LEARNT = resolve('mutation-learnt.json')
const SEPARATOR = ' › '
const fileOf = (id) => id.slice(0, id.indexOf(SEPARATOR))

// Read by the instrumented code; whichever comes first makes it.
globalThis.__stryker__ ??= {}
const instrumented = globalThis.__stryker__
const say = (message) => process.send(message)

let versions = 0
/** A file's tests by their id; every call computes anew what the file computes while it is collected. */
async function collected(file) {
  const tests = await collect(() => import(`${pathToFileURL(file).href}?version=${versions++}`))
  const byId = new Map(tests.map(({ name, run }) => [`${relative(process.cwd(), file)}${SEPARATOR}${name}`, run]))
  if (byId.size !== tests.length) throw new Error(`${file} has two tests of one name`)
  return byId
}
const kept = new Map()
async function keptTests(file) {
  if (!kept.has(file)) kept.set(file, await collected(file))
  return kept.get(file)
}

const messageOf = (error) => String(error?.message ?? error) || 'failed'
/** What went wrong, or undefined. */
const attempt = (run) =>
  Promise.resolve()
    .then(run)
    .then(() => undefined, messageOf)

async function dryRun() {
  instrumented.mutantCoverage = { static: {}, perTest: {} }
  const { perTest } = instrumented.mutantCoverage
  // Before any test: what runs while the sources are loaded is not a test's.
  for (const file of loadedFirst()) await import(pathToFileURL(file).href)
  const tests = []
  const whileCollected = {}
  for (const file of testFiles()) {
    instrumented.currentTestId = file
    const found = await keptTests(file)
    whileCollected[file] = perTest[file] ?? {}
    delete perTest[file]
    // Backwards, because no test may need the one before it: under a mutant they run in another order, and alone.
    for (const [id, run] of [...found].reverse()) {
      instrumented.currentTestId = id
      const started = performance.now()
      const failure = await attempt(run)
      if (failure) return { error: `${id}: ${failure}` }
      tests.push({ id, timeSpentMs: performance.now() - started })
      perTest[id] = { ...whileCollected[file], ...perTest[id] }
    }
  }
  instrumented.currentTestId = undefined
  writeFileSync(LEARNT, JSON.stringify({ tests, whileCollected }))
  return { tests, coverage: instrumented.mutantCoverage }
}

function underMutants() {
  const { tests: known, whileCollected } = JSON.parse(readFileSync(LEARNT, 'utf8'))
  const milliseconds = new Map(known.map(({ id, timeSpentMs }) => [id, timeSpentMs]))

  /** What went wrong in one test, with the mutant or without. */
  async function failure(id, mutant, hitLimit) {
    const file = fileOf(id)
    say({ at: id, milliseconds: milliseconds.get(id) })
    const message = await attempt(async () => {
      const before = await keptTests(file)
      Object.assign(instrumented, { activeMutant: mutant, hitCount: 0, hitLimit })
      // What a file computes while it is collected has to see the mutant too.
      const tests = mutant !== undefined && whileCollected[file][mutant] ? await collected(file) : before
      await tests.get(id)()
    })
    instrumented.activeMutant = undefined
    return { message, endless: mutant !== undefined && instrumented.hitCount > hitLimit }
  }

  return async ({ mutant, hitLimit, tests }) => {
    const due = tests ?? known.map(({ id }) => id)
    due.sort((a, b) => milliseconds.get(a) - milliseconds.get(b))
    for (const [count, id] of due.entries()) {
      const { message, endless } = await failure(id, mutant, hitLimit)
      // It is the mutant's doing only if the same test passes without it, in the same process.
      if (message || endless) return { noticedBy: id, message, endless, trusted: (await failure(id)).message === undefined, count: count + 1 }
    }
    return { count: due.length }
  }
}

let run
process.on('disconnect', () => process.exit())
process.on('message', async (request) => {
  try {
    if (!request.dry) run ??= underMutants()
    say({ done: request.dry ? await dryRun() : await run(request) })
  } catch (error) {
    say({ done: { error: error?.stack ?? String(error) } })
  }
})
