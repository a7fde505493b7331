// Rules that neither the type checker nor the linters know: see scripts/guards. Each one is shown to fire in scripts/test/guards.test.mjs.
import './node-version.mjs'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ROOT } from './bootstrap.mjs'
import { checkCitations } from './guards/citations.mjs'
import { checkLabels } from './guards/labels.mjs'
import { checkSites, checkSource } from './guards/source.mjs'
import { members } from './workspace.mjs'

/** Run in browsers, service workers, React Native and edge runtimes as well as in Node. */
const NEUTRAL = ['protocol', 'crypto', 'storage', 'storage-indexeddb', 'transport', 'client', 'react', 'server', 'testing']
const LABELS = 'packages/protocol/src/labels.ts'
/** Make inputs that are wrong on purpose. */
const NOT_LABELLED = ['packages/testing/', 'packages/server-testing/', 'packages/integration/']

/** Text of every file below a folder, by its path from the root. */
const textsOf = (folder, pattern) =>
  new Map(
    (existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }) : [])
      .filter((entry) => entry.isFile() && pattern.test(entry.name) && !/\/(node_modules|dist|\.cache)(\/|$)/.test(entry.parentPath))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(ROOT, path), readFileSync(path, 'utf8')]),
  )

const problems = []
const sources = new Map()
for (const member of members()) {
  const name = member.folder.split('/')[1]
  const library = member.folder.startsWith('packages/') && member.published
  const about = { folder: member.folder, name, library, neutral: library && NEUTRAL.includes(name) }
  /** library → files of this package that import it. */
  const sites = new Map()
  for (const [file, text] of [...textsOf(`${member.folder}/src`, /\.tsx?$/), ...textsOf(`${member.folder}/test`, /\.tsx?$/)]) {
    sources.set(file, text)
    const found = checkSource({ file, text, member: about })
    problems.push(...found.problems)
    for (const imported of found.libraries) sites.set(imported, (sites.get(imported) ?? new Set()).add(file))
  }
  if (!library) continue
  problems.push(...checkSites(member.folder, sites))
  if (member.manifest.sideEffects !== false) problems.push(`${member.folder}/package.json  "sideEffects": false is missing`)
  for (const [dependency, version] of Object.entries({ ...member.manifest.dependencies, ...member.manifest.devDependencies })) {
    if (!/^(workspace:\*|\d+\.\d+\.\d+(-[\w.]+)?)$/.test(version))
      problems.push(`${member.folder}/package.json  ${dependency}: ${version} is not an exact version`)
  }
}

const documents = textsOf('docs', /\.md$/)
const labelled = [...sources].filter(
  ([file]) => /^packages\/[^/]+\/src\//.test(file) && file !== LABELS && !NOT_LABELLED.some((folder) => file.startsWith(folder)),
)
problems.push(...checkLabels({ registry: sources.get(LABELS) ?? '', sources: new Map(labelled), documents }))
const citing = new Map([...sources, ...textsOf('scripts', /\.mjs$/), ...textsOf('mutants', /\.patch$/)])
citing.delete('scripts/guards/citations.mjs')
citing.delete('scripts/test/guards.test.mjs')
problems.push(...checkCitations({ sources: citing, documents, exists: (path) => existsSync(join(ROOT, path)) }))

if (problems.length > 0) {
  console.error(problems.join('\n'))
  console.error(`\n${problems.length} violation${problems.length === 1 ? '' : 's'}.`)
  process.exit(1)
}
console.log('No violations.')
