// Stryker's test runner for pure code: the tests are loaded into this process once, and a mutant is a switch in it.
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin'
import { DryRunStatus, determineHitLimitReached, TestStatus, toMutantRunResult } from '@stryker-mutator/api/test-runner'
import { testFiles } from './areas.mjs'
import { collect } from './tests.mjs'

// Read by the instrumented code; whichever comes first makes it.
globalThis.__stryker__ ??= {}
const instrumented = globalThis.__stryker__
instrumented.mutantCoverage ??= { static: {}, perTest: {} }
const { perTest } = instrumented.mutantCoverage

class InProcessRunner {
  /** file → its tests and the mutants that run while it is collected */
  #files = new Map()
  #versions = 0
  #milliseconds = new Map()
  #poisoned = false

  capabilities() {
    return { reloadEnvironment: false }
  }

  async dryRun() {
    const results = []
    for (const file of testFiles()) {
      const { tests, whileCollected } = await this.#file(file)
      for (const test of tests) {
        instrumented.currentTestId = test.id
        const result = await this.#run(test)
        perTest[test.id] = { ...whileCollected, ...perTest[test.id] }
        if (result.status === TestStatus.Failed) return { status: DryRunStatus.Error, errorMessage: `${test.id}: ${result.failureMessage}` }
        results.push(result)
      }
    }
    instrumented.currentTestId = undefined
    const names = new Set(results.map(({ id }) => id))
    for (const id of Object.keys(perTest)) if (!names.has(id)) delete perTest[id]
    return { status: DryRunStatus.Complete, tests: results, mutantCoverage: instrumented.mutantCoverage }
  }

  async mutantRun({ activeMutant, hitLimit, testFilter = [] }) {
    // A process that a mutant has damaged would fail every test from now on, and all mutants would seem to be noticed. Stryker starts another.
    if (this.#poisoned) process.exit(1)
    const files = []
    for (const file of new Set(testFilter.map(fileOf))) files.push({ file, ...(await this.#file(file)) })
    files.sort((a, b) => this.#cost(a) - this.#cost(b))
    Object.assign(instrumented, { activeMutant: activeMutant.id, hitCount: 0, hitLimit })
    const results = []
    const chosen = new Set(testFilter)
    try {
      for (const { file, tests, whileCollected } of files) {
        // What a file computes while it is collected has to see the mutant too.
        const fresh = activeMutant.id in whileCollected ? await this.#collect(file).catch((error) => [failing(file, error)]) : tests
        const due = fresh.filter(({ id, broken }) => broken || chosen.has(id))
        if (await this.#untilFailure(due, results)) break
      }
    } finally {
      instrumented.activeMutant = undefined
    }
    const failed = results.find(({ status }) => status === TestStatus.Failed)
    if (failed) await this.#checkHealth(failed.id)
    const limit = determineHitLimitReached(instrumented.hitCount, hitLimit)
    return toMutantRunResult(limit ?? { status: DryRunStatus.Complete, tests: results })
  }

  /** Cheap ones first: most mutants fail somewhere, and soon. */
  #cost({ tests }) {
    return tests.reduce((sum, { id }) => sum + (this.#milliseconds.get(id) ?? 0), 0)
  }

  async #untilFailure(tests, results) {
    tests.sort((a, b) => (this.#milliseconds.get(a.id) ?? 0) - (this.#milliseconds.get(b.id) ?? 0))
    for (const test of tests) {
      const result = await this.#run(test)
      results.push(result)
      if (result.status === TestStatus.Failed) return true
    }
    return false
  }

  /** The test that failed passes again without the mutant. */
  async #checkHealth(id) {
    const { tests } = await this.#file(fileOf(id))
    for (const test of tests) if (test.id === id && (await this.#run(test)).status === TestStatus.Failed) this.#poisoned = true
  }

  async #file(file) {
    if (!this.#files.has(file)) {
      const at = `collecting ${file}`
      instrumented.currentTestId = at
      const tests = await this.#collect(file)
      instrumented.currentTestId = undefined
      this.#files.set(file, { tests, whileCollected: { ...perTest[at] } })
    }
    return this.#files.get(file)
  }

  async #collect(file) {
    const tests = await collect(() => import(`${pathToFileURL(file).href}?version=${this.#versions++}`))
    const names = new Set(tests.map(({ name }) => name))
    if (names.size !== tests.length) throw new Error(`${file} has two tests of one name`)
    return tests.map(({ name, run }) => ({ id: `${relative(process.cwd(), file)} ${SEPARATOR} ${name}`, run }))
  }

  async #run({ id, run }) {
    const started = performance.now()
    const outcome = await run().then(
      () => ({ status: TestStatus.Success }),
      (error) => ({ status: TestStatus.Failed, failureMessage: String(error?.message ?? error) }),
    )
    const timeSpentMs = performance.now() - started
    this.#milliseconds.set(id, timeSpentMs)
    return { id, name: id, timeSpentMs, ...outcome }
  }
}

const SEPARATOR = '›'
const fileOf = (id) => id.slice(0, id.indexOf(` ${SEPARATOR} `))
const failing = (file, error) => ({ id: `${file} ${SEPARATOR} is collected`, broken: true, run: () => Promise.reject(error) })

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'in-process', InProcessRunner)]
