// `npm run bench -- profile`: for one unit of each workload, which primitives it calls, how often, and what they take; the rest is the code around them.
import { performance } from 'node:perf_hooks'
import { units } from './profile-units.mjs'
import { median } from './rounds.mjs'

const MILLISECONDS = 1500

/** The same provider, which also notes each call in `calls`: its name and what its arguments were when it was made. */
function recording(provider, calls) {
  const note = (value) => {
    if (value instanceof Uint8Array) return { array: value, bytes: value.slice() }
    if (value === null || typeof value !== 'object') return { value }
    return { fields: Object.entries(value).map(([name, field]) => [name, note(field)]) }
  }
  const wrapped = { name: provider.name }
  for (const [name, call] of Object.entries(provider)) {
    if (typeof call !== 'function') continue
    wrapped[name] = (...args) => {
      calls.push({ name, args: args.map(note) })
      return call.apply(provider, args)
    }
  }
  return wrapped
}

/** The arguments again, in memory of their own. One array stays one array over all calls of a unit, since a provider may remember keys by it. */
function again(noted, copies) {
  if (noted.array) {
    if (!copies.has(noted.array)) copies.set(noted.array, noted.bytes.slice())
    const copy = copies.get(noted.array)
    copy.set(noted.bytes)
    return copy
  }
  if (noted.fields) return Object.fromEntries(noted.fields.map(([name, field]) => [name, again(field, copies)]))
  return noted.value
}

/** What reading the clock twice takes, which is taken off every measured call. */
function clockCost() {
  const times = Array.from({ length: 2000 }, () => {
    const start = performance.now()
    return performance.now() - start
  })
  return median(times)
}

/** Milliseconds of every call of one replay, by name of the primitive. */
function replay(provider, calls, clock) {
  const copies = new Map()
  const prepared = calls.map(({ name, args }) => ({ name, args: args.map((arg) => again(arg, copies)) }))
  const times = {}
  for (const { name, args } of prepared) {
    const start = performance.now()
    provider[name](...args)
    const spent = performance.now() - start - clock
    times[name] = (times[name] ?? 0) + Math.max(0, spent)
  }
  return times
}

function push(lists, name, value) {
  const list = lists.get(name)
  if (list) list.push(value)
  else lists.set(name, [value])
}

async function profileUnit({ title, provider, prepare }) {
  const calls = []
  const noted = await prepare(recording(provider, calls))
  // Past what only the first messages of a session do, such as chunks of the post-quantum ratchet.
  for (let i = 0; i < noted.warm; i++) noted.run()
  calls.length = 0
  noted.run()
  const recorded = calls.slice()
  const plain = await prepare(provider)
  for (let i = 0; i < Math.max(noted.warm, plain.batch * 3); i++) plain.run()
  const clock = clockCost()
  for (let i = 0; i < 200; i++) replay(provider, recorded.slice(0, 50), clock)
  const totals = []
  const byName = new Map()
  const until = performance.now() + MILLISECONDS
  // One unit and one replay at a time, and the median of each: what the machine does meanwhile, collections of garbage included, stays out of it.
  while (totals.length < 5 || performance.now() < until) {
    for (let i = 0; i < plain.batch; i++) {
      const start = performance.now()
      plain.run()
      totals.push((performance.now() - start - clock) * 1000)
    }
    for (let i = 0; i < plain.batch; i++) {
      for (const [name, ms] of Object.entries(replay(provider, recorded, clock))) push(byName, name, ms * 1000)
    }
  }
  const total = median(totals)
  const rows = [...byName].map(([name, micros]) => ({
    primitive: name,
    calls: recorded.filter((call) => call.name === name).length,
    micros: median(micros),
  }))
  rows.sort((a, b) => b.micros - a.micros)
  const inPrimitives = rows.reduce((sum, { micros }) => sum + micros, 0)
  return { title, total, rows, rest: total - inPrimitives }
}

const fixed = (value) => value.toFixed(value < 100 ? 1 : 0)

function print({ title, total, rows, rest }) {
  console.log(`${title}: ${fixed(total)} µs`)
  for (const { primitive, calls, micros } of rows)
    console.log(
      `  ${primitive.padEnd(22)} ${String(calls).padStart(4)} × ${fixed(micros / calls).padStart(7)} = ${fixed(micros).padStart(8)} µs  ${((100 * micros) / total).toFixed(0).padStart(3)} %`,
    )
  console.log(`  ${'the code around them'.padEnd(22)} ${' '.repeat(16)}${fixed(rest).padStart(8)} µs  ${((100 * rest) / total).toFixed(0).padStart(3)} %`)
}

/** `wanted`: parts of titles; none: all. */
export async function profile(wanted = []) {
  for (const unit of await units()) {
    if (wanted.length > 0 && !wanted.some((part) => unit.title.includes(part))) continue
    print(await profileUnit(unit))
  }
}
