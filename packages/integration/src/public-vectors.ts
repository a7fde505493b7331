import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { NotApplicable, VectorSet } from '@securechat/crypto/conformance'
import { describe, test } from 'vitest'
import { TOKEN_VECTORS } from './token-vectors.js'
import { IMPLEMENTATIONS, type Through, VECTOR_SETS } from './vector-sets.js'

/** Where the public vectors lie: SECURECHAT_VECTORS, else beside the repository. */
export const VECTOR_FOLDER = process.env.SECURECHAT_VECTORS ?? resolve(import.meta.dirname, '../../../../shared/vectors')

/** A suite that needs the public vectors, which are not part of the repository: absent, it is skipped visibly, and fails in CI. */
export function describeWithVectors(name: string, body: () => void): void {
  if (existsSync(VECTOR_FOLDER)) describe(name, body)
  else if (process.env.CI) {
    describe(name, () => {
      test('the public vectors are there', () => {
        throw new Error('the public vectors are missing (SECURECHAT_VECTORS)')
      })
    })
  } else describe.skip(`${name} (skipped: the public vectors are missing; set SECURECHAT_VECTORS)`, body)
}

export const readVectors = (file: string): unknown => JSON.parse(readFileSync(join(VECTOR_FOLDER, file), 'utf8'))

/** Every file there but the folder's own README, by its path. */
export const vectorFiles = (): string[] =>
  readdirSync(VECTOR_FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(VECTOR_FOLDER.length + 1))
    .filter((file) => file !== 'README.md')
    .sort()

/** Files, or folders, of which nothing applies. */
export const NOT_USED: Readonly<Record<string, string>> = {
  'rfc9162-merkle/': 'key transparency is not built',
  'wycheproof/hkdf_sha256_test.json': 'keys are derived with BLAKE2b',
  'wycheproof/hkdf_sha512_test.json': 'keys are derived with BLAKE2b',
  'wycheproof/hmac_sha256_test.json': 'MACs are keyed BLAKE2b',
  'wycheproof/hmac_sha512_test.json': 'MACs are keyed BLAKE2b',
  'wycheproof/json_web_key_test.json': 'no key set is ever read',
  'wycheproof/pbkdf2_hmacsha512_test.json': 'keys come from the entropy of recovery words, not from the stretched seed',
}

interface Row {
  readonly source: string
  readonly applied: number
  readonly notApplicable: readonly NotApplicable[]
  readonly node: readonly string[]
  readonly chromium: readonly string[]
}

function rowOf<Subject>(set: VectorSet<Subject>, places: { readonly node: readonly string[]; readonly chromium: readonly string[] }): Row {
  const { cases, notApplicable } = set.plan(set.file === undefined ? undefined : readVectors(set.file))
  return {
    source: set.file ? `\`${set.file}\`` : `${set.name}, as printed`,
    applied: cases.length,
    notApplicable: notApplicable.filter(({ count }) => count > 0),
    ...places,
  }
}

function unusedRow(path: string, files: readonly string[]): Row {
  const own = files.filter((file) => file.startsWith(path))
  const count = path.endsWith('/') ? own.length : (readVectors(path) as { numberOfTests?: number }).numberOfTests
  const [first] = own
  const cases = count ?? (readVectors(first ?? path) as { testGroups: { tests: unknown[] }[] }).testGroups.reduce((sum, { tests }) => sum + tests.length, 0)
  return { source: `\`${path}\``, applied: 0, notApplicable: [{ count: cases, reason: NOT_USED[path] ?? '' }], node: [], chromium: [] }
}

/** The sets that read a file, with it. */
export const setFiles = (): string[] => [...Object.values(VECTOR_SETS).flat(), ...TOKEN_VECTORS].flatMap(({ file }) => file ?? [])

/** What docs/protocol/public-vectors.md must say. */
export function vectorTable(): string {
  const files = vectorFiles()
  const rows = [
    ...(Object.keys(VECTOR_SETS) as Through[]).flatMap((through) =>
      VECTOR_SETS[through].map((set) => rowOf(set as VectorSet<unknown>, IMPLEMENTATIONS[through])),
    ),
    ...TOKEN_VECTORS.map((set) => rowOf(set, { node: ['server'], chromium: [] })),
    ...Object.keys(NOT_USED).map((path) => unusedRow(path, files)),
  ]
  const list = (names: readonly string[]): string => names.join(', ') || '–'
  const because = (some: readonly NotApplicable[]): string => some.map(({ count, reason }) => `${count}: ${reason}`).join('; ') || '–'
  const lines = rows.map(
    ({ source, applied, notApplicable, node, chromium }) => `| ${source} | ${applied} | ${because(notApplicable)} | ${list(node)} | ${list(chromium)} |`,
  )
  const total = (some: readonly Row[], places: (row: Row) => readonly string[]): number => some.reduce((sum, row) => sum + row.applied * places(row).length, 0)
  const ran = `${total(rows, ({ node }) => node)} in Node and ${total(rows, ({ chromium }) => chromium)} in Chromium`
  return `${[
    '| file | applied | not applicable | in Node, through | in Chromium, through |',
    '|---|---|---|---|---|',
    ...lines,
    '',
    `Applied cases, each through every implementation: ${ran}.`,
  ].join('\n')}\n`
}
