import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { KnipConfig } from 'knip'

// The entries are what a package's `exports` name, as for the build: an export that no entry reaches and nobody imports is dead.
const workspaces: Record<string, { entry: string[]; project: string[]; ignoreDependencies?: string[] }> = {}
for (const parent of ['packages', 'examples']) {
  for (const name of existsSync(parent) ? readdirSync(parent) : []) {
    const folder = `${parent}/${name}`
    if (!existsSync(`${folder}/package.json`)) continue
    const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { exports?: Record<string, string | { '@securechat/source'?: string }> }
    const exported = Object.values(manifest.exports ?? {}).flatMap((target) => (typeof target === 'object' && target['@securechat/source']) || [])
    workspaces[folder] = {
      entry: [
        ...exported,
        'src/{bin,main}.{ts,tsx}',
        // Started as processes of their own, by their paths.
        'src/{person,relay}.ts',
        'src/*worker.ts',
        'test/**/*.test.{ts,tsx}',
        'test/**/*.page.ts',
        'test/processes/*.ts',
        'test/*/main.tsx',
        'scripts/*.{ts,mjs}',
      ].map((path) => path.replace(/^\.\//, '')),
      // Imported by a style sheet; read as a file and run in a page.
      ignoreDependencies: ['tailwindcss', 'axe-core'],
      project: ['{src,test,scripts}/**/*.{ts,tsx,mjs}'],
    }
  }
}

const config: KnipConfig = {
  workspaces: {
    '.': {
      entry: ['scripts/*.mjs', 'scripts/mutation/*.mjs'],
      project: ['scripts/*.mjs', '*.{ts,mjs,cjs}'],
      // Used through their command lines by scripts/*.mjs.
      // The tools that scripts call by their path; Stryker's test runner of ours is no package.
      ignoreDependencies: ['@arethetypeswrong/cli', 'dependency-cruiser', 'publint', '@stryker-mutator/core', '@stryker-mutator/in-process-runner'],
    },
    docs: { entry: ['protocol/reader/{verify,self-test}.mjs', 'protocol/reader/checks/*.mjs'], project: ['protocol/reader/**/*.mjs'] },
    ...workspaces,
  },
  ignoreExportsUsedInFile: true,
}

export default config
