import { describe, test } from 'vitest'
import { CHROMIUM_INSTALL, chromiumAvailable } from './chromium.js'

/** A suite that needs Chromium. Without it: skipped with the line that installs it, but a failure where CI=true, which skips nothing. */
export function describeInChromium(name: string, body: () => void): void {
  if (chromiumAvailable()) {
    describe(name, body)
  } else if (process.env.CI === 'true') {
    describe(name, () => {
      test('Chromium is there', () => {
        throw new Error(`Chromium is missing: ${CHROMIUM_INSTALL}`)
      })
    })
  } else {
    describe.skip(`${name} (skipped: Chromium is missing; ${CHROMIUM_INSTALL})`, body)
  }
}
