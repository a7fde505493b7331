// `npm test`: every test of every package; arguments go to vitest (`npm test -- packages/crypto -t ratchet`).
import './node-version.mjs'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap, ROOT } from './bootstrap.mjs'
import { buildOrExit } from './build.mjs'
import { run } from './processes.mjs'

await bootstrap()
// Process and browser tests run what users run: built files.
await buildOrExit()

const dir = mkdtempSync(join(tmpdir(), 'securechat-test-'))
process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
const summary = join(dir, 'summary.json')

const args = ['run', '--reporter=default', `--reporter=${join(ROOT, 'scripts/test-reporter.mjs')}`, ...process.argv.slice(2)]
const code = await run(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...args], {
  cwd: ROOT,
  env: { ...process.env, SECURECHAT_TEST_SUMMARY: summary },
})

// No summary: vitest itself broke down, which is one failure.
const counts = existsSync(summary) ? JSON.parse(readFileSync(summary, 'utf8')) : { passed: 0, failed: 1, skipped: 0 }
if (code !== 0 && counts.failed === 0 && counts.passed > 0) counts.failed = 1
if (counts.passed + counts.failed === 0) console.error('No test ran.')
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1
console.log(`tests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
