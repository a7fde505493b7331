// The registry of domain-separation labels: unique, each for one construction, each in the documents.
import ts from 'typescript'

const LABEL = /^SC1\/[a-z0-9]+(-[a-z0-9]+)*(\/[a-z0-9]+(-[a-z0-9]+)*)*$/
/** Two sides of one construction, in two files. Any other label is used in one. */
const TWO_SIDES = new Set(['linkAnswer'])
/** Makes the bytes of several constructions at once for many recipients; a test compares each with what their own files make. */
const TEMPLATES = /\/session\/batch-templates\.ts$/
/** A server's own: nobody else computes with them. */
const PRIVATE = /^SC1\/server\//

/** Name → label, as the registry's file lists them; an entry that is no plain text is a problem. */
function registryOf(text) {
  const entries = []
  const tree = ts.createSourceFile('labels.ts', text, ts.ScriptTarget.Latest, true)
  const visit = (node) => {
    if (ts.isPropertyAssignment(node)) entries.push([node.name.getText(tree), ts.isStringLiteral(node.initializer) ? node.initializer.text : ''])
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return entries
}

/**
 * @param {{ registry: string, sources: ReadonlyMap<string, string>, documents: ReadonlyMap<string, string> }} input `registry`: the text of labels.ts; `sources`, `documents`: path → text
 */
export function checkLabels({ registry, sources, documents }) {
  const problems = []
  const entries = registryOf(registry)
  const known = new Set(entries.map(([, label]) => label))
  const names = new Set()
  for (const [index, [name, label]] of entries.entries()) {
    if (names.has(name)) problems.push(`labels: ${name} is there twice`)
    names.add(name)
    if (!LABEL.test(label) || label.length > 255) problems.push(`labels: ${name}: ${label || 'not a plain text'} is not SC1/ and lower-case words`)
    // With its length before it, as T writes it, no label is the beginning of another one unless both are the same.
    if (entries.findIndex(([, other]) => other === label) !== index) problems.push(`labels: ${label} is there twice`)
    const sites = [...sources].filter(([file, text]) => new RegExp(`\\bLABELS\\.${name}\\b`).test(text) && !TEMPLATES.test(file)).map(([file]) => file)
    if (sites.length === 0) problems.push(`labels: ${name} is used nowhere`)
    if (sites.length > (TWO_SIDES.has(name) ? 2 : 1)) problems.push(`labels: ${name} is for one construction, and is used in ${sites.join(', ')}`)
    const told = [...documents.values()].some((text) => text.includes(`"${label}"`))
    if (!told && !PRIVATE.test(label)) problems.push(`labels: ${label} is in no document`)
  }
  for (const [file, text] of documents)
    for (const [, label] of text.matchAll(/"(SC1\/[^"]*)"/g)) if (!known.has(label)) problems.push(`${file}  ${label} is not in the registry`)
  for (const [file, text] of sources) {
    const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    const visit = (node) => {
      const written = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) ? node.text : ''
      if (written.startsWith('SC1/')) problems.push(`${file}  ${written}: a label comes from the registry`)
      ts.forEachChild(node, visit)
    }
    visit(tree)
  }
  return problems
}
