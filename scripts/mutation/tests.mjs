// What test files get for 'vitest' during mutation testing: it collects, and `runner.mjs` runs the same tests thousands of
// times in one process, where starting vitest anew for every mutant would take most of a day.
import { expect } from 'vitest'

export { expect }

/** Nothing that these tests leave behind outlives the process. */
export const afterAll = () => undefined

let suite

/** Imports a test file and returns its tests, flat and in order: `{ name, run }`. */
export async function collect(load) {
  const tests = []
  suite = { names: [], before: [], tests }
  await load()
  return tests
}

function within(name, body, args) {
  const outer = suite
  suite = { ...outer, names: [...outer.names, name], before: [...outer.before] }
  const inside = body(...args)
  suite = outer
  if (inside instanceof Promise) throw new Error(`describe '${name}' is asynchronous`)
}

function add(name, ...rest) {
  const body = rest.find((one) => typeof one === 'function')
  const { names, before, tests } = suite
  const run = async () => {
    for (const hook of before) await hook()
    await body()
  }
  tests.push({ name: [...names, name].join(' '), run })
}

const title = (name, row, at) =>
  name
    .replaceAll(/\$([\w.]+)/g, (_, path) => String(path.split('.').reduce((value, key) => value?.[key], row)))
    .replaceAll(/%[sdijo]/g, () => String(Array.isArray(row) ? row[0] : row))
    .replaceAll('%#', String(at))

const each = (make) => (rows) => (name, body, options) =>
  [...rows].map((row, at) => make(`${title(name, row, at)} #${at}`, () => body(...(Array.isArray(row) ? row : [row])), options))

const ignore = () => undefined

export const describe = Object.assign((name, body) => within(name, body, []), {
  skip: ignore,
  each: (rows) => (name, body) => [...rows].map((row, at) => within(`${title(name, row, at)} #${at}`, body, Array.isArray(row) ? row : [row])),
})
const testFunction = () => Object.assign((...args) => add(...args), { each: each(add), skip: ignore, skipIf: (condition) => (condition ? ignore : add) })
export const test = testFunction()
export const it = testFunction()
export const beforeEach = (fn) => suite.before.push(fn)
