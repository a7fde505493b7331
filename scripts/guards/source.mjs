// Rules for one source file, read from its syntax tree, so that comments and strings do not count.
import { dirname, resolve } from 'node:path'
import ts from 'typescript'

/** Subpaths of neutral packages that are for Node alone. */
const NODE_ONLY = ['packages/crypto/src/node/', 'packages/crypto/src/primitives/node.ts']
/** The defaults of the ports for clock and randomness. */
const PORTS = 'packages/protocol/src/ports.ts'
/** Take their time from the caller, without even a default. */
const CLOCKLESS = ['protocol', 'crypto', 'storage', 'storage-indexeddb']
const MAX_LINES = 400
const GLOBALS_OF_NODE = new Set(['process', 'Buffer', '__dirname', '__filename', 'require', 'setImmediate'])
const GLOBAL_OBJECT = /^(globalThis|window|self|global)\./
const CLOCKS = new Set(['Date.now', 'new Date()', 'Date()', 'performance.now', 'performance.timeOrigin', 'process.hrtime'])
const RANDOMNESS = new Set(['crypto.getRandomValues', 'crypto.randomUUID', 'crypto.randomBytes'])

/**
 * What a file belongs to.
 * @typedef {{ folder: string, name: string, library: boolean, neutral: boolean }} Package
 * `library`: published and imported by others; `neutral`: runs in browsers, service workers and edge runtimes as well as in Node.
 */

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

/** What is read of an object, however it is written: `Math.random`, `Math['random']`, `const { random } = Math`, `globalThis.Math.random`. */
function accessesOf(node, tree) {
  const text = (part) => part.getText(tree).replaceAll(/[\s!?]/g, '')
  const named = (object, name) => [`${text(object)}.${name}`.replace(GLOBAL_OBJECT, '')]
  if (ts.isPropertyAccessExpression(node)) return named(node.expression, node.name.text)
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) return named(node.expression, node.argumentExpression.text)
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer)
    return node.name.elements.flatMap((element) => named(node.initializer, (element.propertyName ?? element.name).getText(tree)))
  if (ts.isNewExpression(node) && node.expression.getText(tree) === 'Date' && !node.arguments?.length) return ['new Date()']
  if (ts.isCallExpression(node) && node.expression.getText(tree) === 'Date') return ['Date()']
  return []
}

/** Names that the file binds itself (parameters, imports): not the globals of the same name. */
function boundNames(tree) {
  const bound = new Set()
  const collect = (node) => {
    if ((ts.isParameter(node) || ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isImportSpecifier(node)) && ts.isIdentifier(node.name))
      bound.add(node.name.text)
    if (ts.isImportClause(node) && node.name) bound.add(node.name.text)
    ts.forEachChild(node, collect)
  }
  collect(tree)
  return bound
}

/**
 * @param {{ file: string, text: string, member: Package }} source `file`: path from the repository's root
 * @returns {{ problems: string[], libraries: Set<string> }} what is wrong, and the libraries that the file imports
 */
export function checkSource({ file, text, member }) {
  const { folder, name, library, neutral } = member
  const inSource = file.startsWith(`${folder}/src/`)
  const nodeOnly = NODE_ONLY.some((prefix) => file.startsWith(prefix))
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const bound = boundNames(tree)
  const problems = []
  const libraries = new Set()
  const lineAt = (index) => text.slice(0, index).split('\n').length
  const say = (node, message) => problems.push(`${file}:${lineAt(node.getStart(tree))}  ${message}`)

  const lines = text.split('\n').length
  if (inSource && lines > MAX_LINES) problems.push(`${file}  ${lines} lines; above ${MAX_LINES} a file does too much`)
  for (const match of text.matchAll(/\b(TODO|FIXME|XXX|HACK)\b/g))
    problems.push(`${file}:${lineAt(match.index)}  ${match[1]}: finish it, or file it as an issue`)
  for (const match of text.matchAll(/@ts-(ignore|nocheck)|@ts-expect-error[ \t]*\n/g))
    problems.push(`${file}:${lineAt(match.index)}  ${match[0].trim()}: only @ts-expect-error, with a reason`)
  for (const match of text.matchAll(/eslint-disable(?!.* -- \S)/g))
    problems.push(`${file}:${lineAt(match.index)}  eslint-disable: only with a reason, after --`)

  const checkImport = (node, specifier) => {
    if (specifier.startsWith('.')) {
      const target = resolve('/', dirname(file), specifier).slice(1)
      if (!target.startsWith(`${folder}/`)) say(node, `leaves its package: ${specifier}; import it by its name`)
      if (!/\.(js|json|css)$/.test(specifier)) say(node, `relative imports end in .js: ${specifier}`)
    } else if (specifier.startsWith('node:')) {
      if (neutral && inSource && !nodeOnly) say(node, `${specifier} in a package that also runs in browsers`)
    } else if (inSource && !specifier.startsWith('@securechat/') && !isTypeOnly(node)) libraries.add(packageOf(specifier))
  }
  const checkAccess = (node, access) => {
    if (access === 'Math.random') say(node, 'Math.random: randomness is injected')
    if (access === 'console' || access.startsWith('console.')) say(node, 'console: the logger is injected')
    if (file === PORTS) return
    if (CLOCKLESS.includes(name) && CLOCKS.has(access)) say(node, `${access}: the clock is injected`)
    else if (neutral && (access === 'new Date()' || access === 'Date()')) say(node, `${access}: the clock is injected`)
    if (neutral && RANDOMNESS.has(access)) say(node, `${access}: randomness is injected`)
  }
  const visit = (node) => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) checkImport(node, specifier)
    if (library && inSource) {
      for (const access of accessesOf(node, tree)) checkAccess(node, access)
      if (ts.isIdentifier(node) && isFreeUse(node, bound)) {
        if (neutral && !nodeOnly && GLOBALS_OF_NODE.has(node.text)) say(node, `${node.text} exists in Node alone`)
        // Under another name, or handed on, it is no less a console.
        if (node.text === 'console' && !(ts.isPropertyAccessExpression(node.parent) || ts.isElementAccessExpression(node.parent))) checkAccess(node, 'console')
      }
    }
    if (ts.isExportDeclaration(node) && !node.exportClause && /(^|\/)index\.ts$/.test(file)) say(node, 'an index lists names, no `export *`')
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return { problems, libraries }
}

/** Languages rather than engines: schemas, views and command lines have no seam to hide behind. */
const MANY_SITES = new Set(['zod', 'react', 'react-dom', 'citty'])

/**
 * One import site for each library of a package.
 * @param {string} folder
 * @param {ReadonlyMap<string, ReadonlySet<string>>} sites library → files that import it
 */
export function checkSites(folder, sites) {
  return [...sites].flatMap(([library, files]) =>
    files.size > 1 && !MANY_SITES.has(library) ? [`${folder}  ${library} is imported in ${files.size} files, one may: ${[...files].join(', ')}`] : [],
  )
}
