// Used by `pnpm mutation` (scripts/mutation.mjs), in a copy of the repository.
export default {
  testRunner: 'in-process',
  plugins: ['./scripts/mutation/runner.mjs', './scripts/mutation/ignored.mjs', './scripts/mutation/progress.mjs'],
  ignorers: ['no-behaviour'],
  inPlace: true,
  coverageAnalysis: 'perTest',
  // Constants and whole functions: a process has to start for each (pnpm mutation --static).
  ignoreStatic: process.env.SECURECHAT_MUTATION_STATIC !== '1',
  concurrency: 2,
  // The runner has limits of its own, for every test.
  timeoutMS: 1_800_000,
  dryRunTimeoutMinutes: 30,
  logLevel: 'warn',
  reporters: ['progress-and-survivors', 'json'],
  jsonReporter: { fileName: 'mutation.json' },
  // Published suites of tests are tests.
  mutate: ['packages/{crypto,protocol}/src/**/*.ts', '!**/conformance/**'],
}
