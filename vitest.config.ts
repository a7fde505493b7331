import { defineConfig } from 'vitest/config'

// Tests run from source: the packages' `@securechat/source` export condition, no build.
const conditions = ['@securechat/source', 'module', 'node', 'development|production']

const shared = {
  pool: 'forks' as const,
  environment: 'node' as const,
  passWithNoTests: false,
  unstubGlobals: true,
  restoreMocks: true,
  slowTestThreshold: 5_000,
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'unit',
          include: ['packages/*/test/**/*.test.{ts,tsx}', 'examples/*/test/**/*.test.{ts,tsx}', 'scripts/test/**/*.test.mjs'],
          // Of the integration tests only the attacks, the devices, the fuzzing and the public vectors run in one process, without its time, and so beside others.
          exclude: ['packages/integration/test/*.test.ts', 'packages/integration/test/browser/**', '**/node_modules/**', '**/dist/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        // Whole processes, browsers and kills: after the unit tests and one file at a time, so that nobody's timing depends on a neighbour.
        test: {
          ...shared,
          name: 'integration',
          include: ['packages/integration/test/**/*.test.{ts,tsx}'],
          exclude: ['packages/integration/test/{attacks,devices,fuzz,vectors}/**', '**/node_modules/**', '**/dist/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
