// What is shown while Stryker works: how far it is, and every mutant that survives as soon as it does.
import { relative } from 'node:path'
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin'

const EVERY_MS = 60_000
const NOTICED = new Set(['Killed', 'Timeout'])

class Progress {
  #counts = { noticed: 0, survived: 0, other: 0 }
  #total = 0
  #started = 0
  #shown = 0

  onDryRunCompleted({ result: { tests }, timing }) {
    console.log(`${tests.length} tests, ${Math.round(timing.net / 1000)} s without a mutant`)
  }

  onMutationTestingPlanReady({ mutantPlans }) {
    this.#total = mutantPlans.filter(({ plan }) => plan === 'Run').length
    this.#started = this.#shown = performance.now()
    console.log(`${this.#total} mutants to try of ${mutantPlans.length}`)
  }

  onMutantTested({ status, fileName, location, mutatorName, replacement, statusReason }) {
    if (status === 'Ignored') return
    const kind = NOTICED.has(status) ? 'noticed' : status === 'Survived' || status === 'NoCoverage' ? 'survived' : 'other'
    this.#counts[kind]++
    if (kind !== 'noticed') {
      const { start } = location
      console.log(`${status} ${relative(process.cwd(), fileName)}:${start.line}:${start.column} ${mutatorName} → ${replacement} ${statusReason ?? ''}`)
    }
    const now = performance.now()
    const { noticed, survived, other } = this.#counts
    const done = noticed + survived + other
    if (now - this.#shown < EVERY_MS && done < this.#total) return
    this.#shown = now
    const left = ((now - this.#started) / done) * Math.max(0, this.#total - done)
    console.log(
      `  ${done} of ${this.#total}: ${noticed} noticed, ${survived} survived${other ? `, ${other} not judged` : ''}; ${Math.ceil(left / 60_000)} min left`,
    )
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.Reporter, 'progress-and-survivors', Progress)]
