// Type-checks every TypeScript block of the documents, so that nobody copies what does not compile.
//
//   ```ts                    a module of its own
//   ```ts continues          goes on where the block before it in the same document ended
//   ```ts run                also run, from source: prints what the comments behind its `console.log` lines say; at most 40 lines
//   ```ts no-check: reason   not checked, and says why
//
// The blocks are compiled in memory, as if they lay beside their document.
import './node-version.mjs'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { ROOT } from './bootstrap.mjs'
import { capture } from './processes.mjs'
import { members, sourceEntries } from './workspace.mjs'

const markdown = (dir) =>
  existsSync(dir)
    ? readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
        const path = join(dir, entry.name)
        if (entry.isDirectory()) return ['node_modules', 'api', '.vitepress', 'dist'].includes(entry.name) ? [] : markdown(path)
        return entry.name.endsWith('.md') ? [path] : []
      })
    : []

const packages = members()
const documents = [
  join(ROOT, 'README.md'),
  join(ROOT, 'CONTRIBUTING.md'),
  ...packages.map((member) => join(member.path, 'README.md')),
  ...markdown(join(ROOT, 'docs')),
].filter(existsSync)

const problems = []
/** virtual file → where its lines stand in the document */
const snippets = new Map()
const MAX_RUN_LINES = 40
/** Blocks to run, beside their document, so that they find the packages that its package depends on. */
const runs = []
let blocks = 0
let unchecked = 0

for (const document of documents) {
  const lines = readFileSync(document, 'utf8').split('\n')
  const place = (index) => `${relative(ROOT, document)}:${index + 1}`
  let last
  for (let at = 0; at < lines.length; at++) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*(ts|tsx|typescript)\b\s*(.*)$/.exec(lines[at])
    if (!fence) {
      // Other fences are passed over whole: their contents may look like a fence of ours.
      const other = /^\s*(`{3,}|~{3,})/.exec(lines[at])
      if (other)
        do at++
        while (at < lines.length && !lines[at].trim().startsWith(other[1]))
      continue
    }
    const [, indent, marks, language, info] = fence
    const start = at + 1
    do at++
    while (at < lines.length && !lines[at].trim().startsWith(marks))
    blocks++
    if (/^no-check\b/.test(info)) {
      if (!/^no-check:\s*\S{3,}/.test(info)) problems.push(`${place(start - 1)}  no-check without a reason (\`\`\`ts no-check: reason)`)
      unchecked++
      continue
    }
    if (info && info !== 'continues' && info !== 'run') {
      problems.push(`${place(start - 1)}  unknown note after the language: ${info}`)
      continue
    }
    const code = lines
      .slice(start, at)
      .map((line, offset) => ({ text: line.startsWith(indent) ? line.slice(indent.length) : line, place: place(start + offset) }))
    if (info === 'continues') {
      if (last) last.push(...code)
      else problems.push(`${place(start - 1)}  continues nothing`)
      continue
    }
    last = code
    if (info === 'run') {
      if (code.length > MAX_RUN_LINES) problems.push(`${place(start - 1)}  ${code.length} lines; what is run is there to be read at once: ${MAX_RUN_LINES}`)
      runs.push({ document, place: place(start - 1), code: code.map((line) => line.text) })
    }
    snippets.set(
      join(dirname(document), `${relative(dirname(document), document).replaceAll(/\W/g, '_')}-${start}.snippet.${language === 'tsx' ? 'tsx' : 'ts'}`),
      code,
    )
  }
}

const virtual = new Map([...snippets].map(([path, code]) => [path, code.map(({ text }) => text).join('\n')]))

const base = ts.readConfigFile(join(ROOT, 'tsconfig.base.json'), ts.sys.readFile)
const { options } = ts.convertCompilerOptionsFromJson({ ...base.config.compilerOptions, noUnusedLocals: false, noUnusedParameters: false, noEmit: true }, ROOT)
// A top-level `await` needs a module, with or without an import.
options.moduleDetection = ts.ModuleDetectionKind.Force
const sources = new Map(
  packages.flatMap(({ name, path, manifest }) => sourceEntries(manifest).map(([subpath, source]) => [name + subpath.slice(1), join(path, source)])),
)

const host = ts.createCompilerHost(options)
const { fileExists, readFile, getSourceFile } = host
host.fileExists = (path) => virtual.has(path) || fileExists(path)
host.readFile = (path) => virtual.get(path) ?? readFile(path)
host.getSourceFile = (path, languageVersion, ...rest) =>
  virtual.has(path) ? ts.createSourceFile(path, virtual.get(path), languageVersion, true) : getSourceFile(path, languageVersion, ...rest)
host.resolveModuleNameLiterals = (literals, containing, redirect, compilerOptions) =>
  literals.map(({ text }) => {
    const own = sources.get(text)
    if (own && fileExists(own))
      return { resolvedModule: { resolvedFileName: own, extension: own.endsWith('x') ? '.tsx' : '.ts', isExternalLibraryImport: false } }
    const from = (path) => ts.resolveModuleName(text, path, compilerOptions, host, undefined, redirect)
    const found = from(containing)
    if (found.resolvedModule || !virtual.has(containing) || text.startsWith('.')) return found
    // A document at the top may show any of the packages' dependencies.
    for (const { path } of packages) {
      const elsewhere = from(join(path, 'package.json'))
      if (elsewhere.resolvedModule) return elsewhere
    }
    return found
  })

const program = ts.createProgram({ rootNames: [...virtual.keys()], options, host })
for (const path of virtual.keys()) {
  const file = program.getSourceFile(path)
  for (const { start = 0, messageText } of [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]) {
    const { line } = file.getLineAndCharacterOfPosition(start)
    problems.push(`${snippets.get(path)[line]?.place ?? path}  ${ts.flattenDiagnosticMessageText(messageText, '\n  ')}`)
  }
}

for (const { document, place, code } of runs) {
  const folder = join(dirname(document), '.cache')
  const file = join(folder, 'snippet.mts')
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, code.join('\n'))
  const { code: exit, output } = await capture(process.execPath, ['--conditions=@securechat/source', '--import', 'tsx', file], { cwd: ROOT })
  rmSync(file)
  const wanted = code.flatMap((line) => /console\.log\(.*\) \/\/ (.+)$/.exec(line)?.[1] ?? [])
  if (exit !== 0 || wanted.length === 0 || output.trim() !== wanted.join('\n'))
    problems.push(`${place}  ends with ${exit} and prints\n${output}\n  instead of\n${wanted.join('\n')}`)
}

if (problems.length > 0) {
  console.error(`${problems.join('\n')}\n\n${problems.length} problem${problems.length === 1 ? '' : 's'} in ${blocks} blocks.`)
  process.exit(1)
}
console.log(`${blocks} blocks in ${documents.length} documents, ${runs.length} of them run, ${unchecked} not checked.`)
