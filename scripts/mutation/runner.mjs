// Stryker's test runner for pure code. A mutant counts as noticed only when a test fails with it and passes without it in the same process; what cannot be
// told that way (a test that hangs, a process that ends, state that stays damaged) is tried again in a fresh process.
import { fork } from 'node:child_process'
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin'
import { DryRunStatus, MutantRunStatus, TestStatus } from '@stryker-mutator/api/test-runner'

/** A test that takes ten times its time and this is hanging; loading a process is in the allowance of its first test. */
const ALLOWANCE_MS = 15_000
/** Until a process says something: all tests once, or only its start. */
const DRY_RUN_MS = 1_800_000
const START_MS = 120_000
/** Files that are collected anew under a mutant stay in memory, so a process is replaced now and then. */
const MUTANTS_A_PROCESS = 300
const WORKER_ARGUMENTS = ['--conditions=@securechat/source', '--import=./scripts/mutation/register.mjs', '--import=tsx']

class Runner {
  #worker
  #used = 0

  capabilities() {
    return { reloadEnvironment: true }
  }

  async dryRun() {
    const { tests, coverage, error } = await this.#ask({ dry: true })
    if (error) return { status: DryRunStatus.Error, errorMessage: error }
    const results = tests.map(({ id, timeSpentMs }) => ({ id, name: id, timeSpentMs, status: TestStatus.Success }))
    return { status: DryRunStatus.Complete, tests: results, mutantCoverage: coverage }
  }

  async mutantRun({ activeMutant, hitLimit, testFilter, mutantActivation }) {
    const loading = mutantActivation === 'static' ? activeMutant.id : undefined
    if (loading !== undefined || ++this.#used > MUTANTS_A_PROCESS) this.dispose()
    // Stryker's limit is a hundred times the hits of all tests together; here it is for one test.
    const request = { mutant: activeMutant.id, hitLimit: hitLimit && hitLimit / 10, tests: testFilter }
    // The process is fresh, and of no use to the next mutant.
    if (loading !== undefined) return verdict(await this.#ask(request, loading).finally(() => this.dispose()))
    for (let tries = 0; tries < 3; tries++) {
      const found = await this.#ask(request)
      if (found.error === undefined && (found.noticedBy === undefined || found.trusted)) return verdict(found)
      const proof = found.noticedBy === undefined ? undefined : await this.#alone(request, found.noticedBy)
      if (proof) return verdict(proof)
      this.dispose()
    }
    return { status: MutantRunStatus.Error, errorMessage: 'every process is damaged' }
  }

  /** One test, first of all in a process: with the mutant, and in another process without. */
  async #alone(request, id) {
    this.dispose()
    const found = await this.#ask({ ...request, tests: [id] })
    if (found.noticedBy === undefined) return undefined
    this.dispose()
    const { message } = await this.#ask({ tests: [id] })
    return message === undefined ? found : { error: `${id} fails alone, without a mutant: ${message}` }
  }

  dispose() {
    this.#worker?.kill('SIGKILL')
    this.#worker = undefined
    this.#used = 0
  }

  /** The worker's answer; for a test that hangs or ends its process, one made here. */
  #ask(request, loading) {
    if (!this.#worker?.connected)
      this.#worker = fork(new URL('worker.mjs', import.meta.url), [], {
        execArgv: WORKER_ARGUMENTS,
        env: { ...process.env, ...(loading === undefined ? {} : { __STRYKER_ACTIVE_MUTANT__: loading }) },
      })
    const worker = this.#worker
    return new Promise((answer) => {
      let noticedBy
      let timer
      const settle = (result) => {
        clearTimeout(timer)
        worker.removeAllListeners('message')
        worker.removeAllListeners('exit')
        answer(result)
      }
      const allow = (milliseconds) => {
        clearTimeout(timer)
        timer = setTimeout(() => {
          this.dispose()
          settle(noticedBy === undefined ? { error: 'no answer' } : { noticedBy, endless: true, message: 'no end' })
        }, milliseconds)
      }
      worker.on('message', ({ at, milliseconds, done }) => {
        if (done) return settle(done)
        noticedBy = at
        allow(ALLOWANCE_MS + 10 * milliseconds)
      })
      worker.on('exit', (code, signal) => {
        if (this.#worker === worker) this.dispose()
        settle(noticedBy === undefined ? { error: `the process ended (${signal ?? code})` } : { noticedBy, message: `the process ended (${signal ?? code})` })
      })
      allow(request.dry ? DRY_RUN_MS : START_MS)
      worker.send(request)
    })
  }
}

function verdict({ noticedBy, message, endless, count, error }) {
  if (error !== undefined) return { status: MutantRunStatus.Error, errorMessage: error }
  if (endless) return { status: MutantRunStatus.Timeout, reason: message }
  if (noticedBy === undefined) return { status: MutantRunStatus.Survived, nrOfTests: count }
  return { status: MutantRunStatus.Killed, killedBy: [noticedBy], failureMessage: message ?? '', nrOfTests: count ?? 1 }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'in-process', Runner)]
