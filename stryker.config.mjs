// Used by `pnpm mutation` (scripts/mutation.mjs), in a copy of the repository.
export default {
  testRunner: 'in-process',
  plugins: ['./scripts/mutation/runner.mjs', './scripts/mutation/ignore-details.mjs'],
  ignorers: ['error-details'],
  testRunnerNodeArgs: ['--conditions=@securechat/source', '--import=./scripts/mutation/register.mjs', '--import=tsx'],
  inPlace: true,
  coverageAnalysis: 'perTest',
  // Constants: labels and layouts are pinned by the vectors; a process would have to start for each.
  ignoreStatic: true,
  concurrency: 2,
  maxTestRunnerReuse: 400,
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: 'mutation.json' },
  mutate: ['packages/{crypto,protocol}/src/**/*.ts'],
}
