// Shows that the reader can fail: changes each value of each vector file in turn, and expects a refusal every time. Exit code 1 where a change goes unnoticed,
// which means that the reader ignores a value or the document does not fix it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../vectors')

/** `draws.order` and the like are explanations, not values. */
const EXPLANATIONS = new Set(['order', 'description', 'note', 'name', 'comment'])

function* leaves(value, path = []) {
  if (value !== null && typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) if (!EXPLANATIONS.has(name)) yield* leaves(inner, [...path, name])
  } else yield path
}

/** Another value of the same kind. At a third and not in the middle: the second half of an ML-KEM seed shows only where decapsulation fails. */
function changed(value) {
  if (typeof value === 'number') return value + 1009
  if (typeof value === 'boolean') return !value
  if (value === null) return 0
  if (value === '') return '00'
  const at = Math.floor(value.length / 3)
  const other = value[at] === '0' ? '1' : /[0-9a-f]/.test(value[at]) ? '0' : value[at] === 'x' ? 'y' : 'x'
  return value.slice(0, at) + other + value.slice(at + 1)
}

function withChange(vectors, path) {
  const copy = structuredClone(vectors)
  let holder = copy
  for (const name of path.slice(0, -1)) holder = holder[name]
  holder[path.at(-1)] = changed(holder[path.at(-1)])
  return copy
}

async function notices(checks, vectors) {
  try {
    for (const [, check] of checks(vectors)) await check()
    return false
  } catch {
    return true
  }
}

let changes = 0
const unnoticed = []
for (const file of readdirSync(folder).sort()) {
  const { checks } = await import(`./checks/${file.replace(/\.json$/, '')}.mjs`)
  const vectors = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  // Where the file itself is refused, everything is.
  if (await notices(checks, vectors)) unnoticed.push(`${file}: refused as it is`)
  for (const path of leaves(vectors)) {
    changes++
    if (!(await notices(checks, withChange(vectors, path)))) unnoticed.push(`${file}: ${path.join('.')}`)
  }
}
for (const where of unnoticed) console.log(`unnoticed  ${where}`)
console.log(`${changes - unnoticed.length} of ${changes} changes noticed`)
process.exit(unnoticed.length === 0 && changes > 0 ? 0 : 1)
