// Rules that neither the type checker nor the linters know: read from the syntax tree, so that comments and strings do not count.
import './node-version.mjs'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { ROOT } from './bootstrap.mjs'
import { members } from './workspace.mjs'

/** Run in browsers, service workers, React Native and edge runtimes as well as in Node. */
const NEUTRAL = ['protocol', 'crypto', 'storage', 'storage-indexeddb', 'transport', 'client', 'react', 'server', 'testing']
/** Subpaths of neutral packages that are for Node alone. */
const NODE_ONLY = ['packages/crypto/src/node/', 'packages/crypto/src/primitives/node.ts']
/** The one default of the clock port. */
const DEFAULT_CLOCK = 'packages/protocol/src/ports.ts'
/** Take their time from the caller, without even a default. */
const CLOCKLESS = ['protocol', 'crypto', 'storage', 'storage-indexeddb']
/** Languages rather than engines: schemas, views and command lines have no seam to hide behind. */
const MANY_SITES = new Set(['zod', 'react', 'react-dom', 'citty'])
const MAX_LINES = 400
const GLOBALS_OF_NODE = new Set(['process', 'Buffer', '__dirname', '__filename', 'require', 'setImmediate'])

const problems = []

const sources = (dir) =>
  readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.tsx?$/.test(entry.name) ? [path] : []
  })

const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Module specifiers with their nodes: import, export … from, import(), require(), import types. */
const specifierOf = (node) => {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) return node.moduleSpecifier.text
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal.text
  if (ts.isCallExpression(node) && node.arguments.length > 0 && ts.isStringLiteralLike(node.arguments[0])) {
    if (node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === 'require') return node.arguments[0].text
  }
  return undefined
}

const isTypeOnly = (node) =>
  ts.isImportTypeNode(node) ||
  (ts.isImportDeclaration(node) &&
    (node.importClause?.isTypeOnly ||
      (node.importClause?.namedBindings !== undefined &&
        ts.isNamedImports(node.importClause.namedBindings) &&
        !node.importClause.name &&
        node.importClause.namedBindings.elements.every((element) => element.isTypeOnly)))) ||
  (ts.isExportDeclaration(node) && node.isTypeOnly)

/** An identifier that stands for a value of that name, and not for a property, a declaration or a type. */
const isFreeUse = (node, bound) => {
  const { parent } = node
  if (bound.has(node.text)) return false
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false
  if (ts.isPropertyAssignment(parent) && parent.name === node) return false
  if (ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent))
    return parent.name !== node
  return !(ts.isTypeReferenceNode(parent) || ts.isQualifiedName(parent) || ts.isTypeQueryNode(parent))
}

function checkFile(path, rules) {
  const file = relative(ROOT, path)
  const text = readFileSync(path, 'utf8')
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const say = (node, message) => {
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree))
    problems.push(`${file}:${line + 1}  ${message}`)
  }
  const lines = text.split('\n').length
  if (lines > MAX_LINES && file.includes('/src/')) problems.push(`${file}  ${lines} lines; above ${MAX_LINES} a file does too much`)
  for (const match of text.matchAll(/\b(TODO|FIXME|XXX|HACK)\b/g)) {
    problems.push(`${file}:${text.slice(0, match.index).split('\n').length}  ${match[1]}: finish it, or file it as an issue`)
  }
  for (const match of text.matchAll(/@ts-(ignore|nocheck)|@ts-expect-error[ \t]*\n/g)) {
    problems.push(`${file}:${text.slice(0, match.index).split('\n').length}  ${match[0].trim()}: only @ts-expect-error, with a reason`)
  }

  // Names that the file binds itself (parameters, imports) are not the globals of the same name.
  const bound = new Set()
  const collect = (node) => {
    if ((ts.isParameter(node) || ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isImportSpecifier(node)) && ts.isIdentifier(node.name))
      bound.add(node.name.text)
    if (ts.isImportClause(node) && node.name) bound.add(node.name.text)
    ts.forEachChild(node, collect)
  }
  collect(tree)

  const visit = (node) => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) rules.onImport?.(node, specifier, say, file)
    if (ts.isIdentifier(node) && isFreeUse(node, bound)) rules.onGlobal?.(node, say)
    if (ts.isPropertyAccessExpression(node)) rules.onProperty?.(node, `${node.expression.getText(tree)}.${node.name.text}`, say, file)
    if (ts.isNewExpression(node) && node.expression.getText(tree) === 'Date' && !node.arguments?.length) rules.onProperty?.(node, 'new Date()', say, file)
    if (ts.isExportDeclaration(node) && !node.exportClause && /(^|\/)index\.ts$/.test(file)) say(node, 'an index lists names, no `export *`')
    ts.forEachChild(node, visit)
  }
  visit(tree)
}

for (const member of members()) {
  const name = member.folder.split('/')[1]
  const library = member.folder.startsWith('packages/') && member.published
  const neutral = library && NEUTRAL.includes(name)
  /** library → files of this package that import it. */
  const sites = new Map()

  const onImport = (node, specifier, say, file) => {
    if (specifier.startsWith('.')) {
      const target = relative(ROOT, resolve(ROOT, dirname(file), specifier))
      if (!target.startsWith(`${member.folder}/`)) say(node, `leaves its package: ${specifier}; import it by its name`)
      if (!/\.(js|json|css)$/.test(specifier)) say(node, `relative imports end in .js: ${specifier}`)
      return
    }
    if (specifier.startsWith('node:')) {
      if (neutral && file.includes('/src/') && !NODE_ONLY.some((path) => file.startsWith(path)))
        say(node, `${specifier} in a package that also runs in browsers`)
      return
    }
    if (!file.includes('/src/') || specifier.startsWith('@securechat/') || isTypeOnly(node)) return
    const from = packageOf(specifier)
    if (!sites.has(from)) sites.set(from, new Set())
    sites.get(from).add(file)
  }

  const onProperty = (node, access, say, file) => {
    if (access === 'Math.random') say(node, 'Math.random: randomness is injected')
    if (access.startsWith('console.')) say(node, 'console: the logger is injected')
    if (file === DEFAULT_CLOCK) return
    if (CLOCKLESS.includes(name) && ['Date.now', 'new Date()', 'performance.now'].includes(access)) say(node, `${access}: the clock is injected`)
    else if (access === 'new Date()' && neutral) say(node, 'new Date(): the clock is injected')
  }

  const onGlobal = (node, say) => {
    if (neutral && GLOBALS_OF_NODE.has(node.text)) say(node, `${node.text} exists in Node alone`)
  }

  for (const path of sources(join(member.path, 'src'))) {
    const nodeOnly = NODE_ONLY.some((prefix) => relative(ROOT, path).startsWith(prefix))
    checkFile(path, library ? { onImport, onProperty, onGlobal: nodeOnly ? undefined : onGlobal } : { onImport })
  }
  try {
    for (const path of sources(join(member.path, 'test'))) checkFile(path, { onImport })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }

  if (!library) continue
  for (const [from, files] of sites) {
    if (files.size > 1 && !MANY_SITES.has(from))
      problems.push(`${member.folder}  ${from} is imported in ${files.size} files, one may: ${[...files].join(', ')}`)
  }
  if (member.manifest.sideEffects !== false) problems.push(`${member.folder}/package.json  "sideEffects": false is missing`)
  for (const [dependency, version] of Object.entries({ ...member.manifest.dependencies, ...member.manifest.devDependencies })) {
    if (!/^(workspace:\*|\d+\.\d+\.\d+(-[\w.]+)?)$/.test(version))
      problems.push(`${member.folder}/package.json  ${dependency}: ${version} is not an exact version`)
  }
}

if (problems.length > 0) {
  console.error(problems.join('\n'))
  console.error(`\n${problems.length} violation${problems.length === 1 ? '' : 's'}.`)
  process.exit(1)
}
console.log('No violations.')
