// What code and documents cite exists: the document, and the section in it.

/** `docs/protocol/04-ratchet.md`, `docs/protocol/04`, `docs/adr/0009`, `docs/threat-model.md`; with `, "Section"` or, as 14 numbers them, `, section 14.2`. */
const CITATION = /docs\/((?:protocol|adr|guides)\/[\w{},.-]*\w|[\w-]+\.md)(?:,? "([^"\n]+)"|,? section (\d+\.\d+))?/g
/** In documents: `[04](04-ratchet.md)`, `[text](../adr/0005-x.md#anchor)`; with `, "Section"` behind it, or `"Section" in ` before it. */
const LINK = /(?:"([^"\n]+)" in )?\[[^\]\n]*\]\((?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)(?:,\s"([^"\n]+)")?/g

const headingsOf = (text) => [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading.replaceAll('`', '').trim())
/** A bold word that begins a paragraph or an item is a section too: "**Committing encryption.**" */
const termsOf = (text) => [...text.matchAll(/^(?:- )?\*\*([^*\n]+?)[.:]?\*\*/gm)].map(([, term]) => term.trim())

const normalized = (path) => {
  const out = []
  for (const part of path.split('/')) {
    if (part === '..') out.pop()
    else if (part !== '.' && part !== '') out.push(part)
  }
  return out.join('/')
}

/** All that may be meant: braces are alternatives, a number is the beginning of a file's name. */
function filesOf(path, all) {
  const braces = /^(.*)\{([^}]*)\}(.*)$/.exec(path)
  if (braces) return braces[2].split(',').map((part) => `${braces[1]}${part}${braces[3]}`)
  if (/\/\d+$/.test(path)) return [[...all].find((file) => file.startsWith(`${path}-`)) ?? path]
  return [path]
}

/**
 * @param {{ sources: ReadonlyMap<string, string>, documents: ReadonlyMap<string, string>, exists: (path: string) => boolean }} input
 * `sources`: files whose comments cite; `documents`: every markdown file below docs/, by its path from the root
 */
export function checkCitations({ sources, documents, exists }) {
  const problems = []
  const judge = (where, path, sections) => {
    for (const file of filesOf(path, documents.keys())) {
      if (!documents.has(file) && !exists(file)) problems.push(`${where}  ${path} does not exist`)
      const text = documents.get(file)
      if (text === undefined) continue
      const known = [...headingsOf(text), ...termsOf(text)]
      for (const section of sections) {
        if (section === undefined) continue
        const found = known.some((heading) => heading === section || heading.replace(/^\d+(\.\d+)? /, '') === section || heading.startsWith(`${section} `))
        if (!found) problems.push(`${where}  ${file} has no section "${section}"`)
      }
    }
  }
  const lineAt = (text, index) => text.slice(0, index).split('\n').length
  for (const [file, text] of sources)
    for (const match of text.matchAll(CITATION)) judge(`${file}:${lineAt(text, match.index)}`, `docs/${match[1].replace(/\.$/, '')}`, [match[2], match[3]])
  for (const [file, text] of documents) {
    const folder = file.slice(0, file.lastIndexOf('/'))
    for (const match of text.matchAll(LINK)) judge(`${file}:${lineAt(text, match.index)}`, normalized(`${folder}/${match[2]}`), [match[1], match[4]])
  }
  return problems
}
