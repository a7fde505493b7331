// Only the rules that need types and that Biome does not have: a promise that nobody awaits is a lost error, a secret that is compared
// byte by byte tells how far a guess was right.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import tseslint from 'typescript-eslint'
import constantTime from './scripts/lint/constant-time.mjs'

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/.cache/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['packages/*/{src,test}/**/*.{ts,tsx}', 'examples/*/{src,test}/**/*.{ts,tsx}'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: { defaultProject: 'tsconfig.json' }, tsconfigRootDir: dirname(fileURLToPath(import.meta.url)) },
    },
    plugins: { '@typescript-eslint': tseslint.plugin, securechat: { rules: { 'constant-time': constantTime } } },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
    },
  },
  // Tests compare whatever they like; nobody measures them.
  { files: ['packages/*/src/**/*.{ts,tsx}', 'examples/*/src/**/*.{ts,tsx}'], rules: { 'securechat/constant-time': 'error' } },
)
