import { writeFileSync } from 'node:fs'

const reasonInName = (name) => /(?:skipped|needs): ?([^)]+)|needs .+$/.exec(name)?.slice(0, 2).findLast(Boolean)

/**
 * Says each skipped test with its reason, and leaves the counts in the file that SECURECHAT_TEST_SUMMARY names.
 * A skip's reason is what the test gave to `context.skip('…')`, or a part of its name: "(skipped: …)", "needs …".
 */
export default class SummaryReporter {
  onInit(vitest) {
    this.vitest = vitest
  }

  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    /** reason → tests */
    const skipped = new Map()
    const suites = (collection) => {
      for (const suite of collection.allSuites()) counts.failed += suite.errors().length
    }
    for (const module of modules) {
      // A file that could not be loaded has no tests; it is a failure all the same. So is a failed hook, whose tests only look skipped.
      counts.failed += module.errors().length
      suites(module.children)
      for (const test of module.children.allTests()) {
        const { state, note } = test.result()
        if (state === 'passed') counts.passed++
        else if (state === 'failed') counts.failed++
        else if (this.#filteredOut(test)) continue
        else {
          counts.skipped++
          const reason = note ?? (state === 'pending' ? 'did not run' : reasonInName(test.fullName)) ?? 'no reason given'
          skipped.set(reason, [...(skipped.get(reason) ?? []), `${module.relativeModuleId} > ${test.fullName}`])
        }
      }
    }
    for (const [reason, tests] of skipped) console.log(`\nSkipped (${reason}):\n  ${tests.join('\n  ')}`)
    if (skipped.size > 0) console.log('')
    const path = process.env.SECURECHAT_TEST_SUMMARY
    if (path) writeFileSync(path, JSON.stringify(counts))
  }

  /** Tests that the command line's name pattern (-t) left out are not skipped tests. */
  #filteredOut(test) {
    const pattern = test.project.config.testNamePattern ?? this.vitest.config.testNamePattern
    return pattern !== undefined && !new RegExp(pattern).test(test.fullName.replaceAll(' > ', ' '))
  }
}
