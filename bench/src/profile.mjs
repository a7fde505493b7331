// `npm run bench -- profile [words]`: for one unit of each of our workloads which primitives it calls, how often, and what they take; the rest is the code around them.
import { performance } from 'node:perf_hooks'
import { units } from './profile-units.mjs'
import { median } from './rounds.mjs'

/** For each unit, once more for half as long before, so that everything is compiled. */
const MILLISECONDS = 1500

/** The fastest tenth begins here: what the machine does meanwhile, and the collection of garbage, stay out of it. */
const fast = (times) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 10)]

/** What reading the clock twice takes, which is taken off everything measured. */
const clockCost = () =>
  median(
    Array.from({ length: 2000 }, () => {
      const start = performance.now()
      return performance.now() - start
    }),
  )

/** The same provider with a clock around each primitive; `take` gives, by name, the calls and milliseconds since it was last asked. */
function timed(provider, clock) {
  const wrapped = { name: provider.name }
  const sums = {}
  for (const [name, call] of Object.entries(provider)) {
    if (typeof call !== 'function') continue
    const sum = { calls: 0, ms: 0 }
    sums[name] = sum
    wrapped[name] = (...args) => {
      const start = performance.now()
      const result = call.apply(provider, args)
      sum.ms += Math.max(0, performance.now() - start - clock)
      sum.calls++
      return result
    }
  }
  const take = () =>
    Object.entries(sums).flatMap(([name, sum]) => {
      const { calls, ms } = sum
      sum.calls = 0
      sum.ms = 0
      return calls > 0 ? [{ name, calls, ms }] : []
    })
  return { wrapped, take }
}

function profileUnit({ title, provider, prepare }) {
  const clock = clockCost()
  const { wrapped, take } = timed(provider, clock)
  const { warm, before = () => undefined, run } = prepare(wrapped)
  const unit = () => {
    before()
    run()
  }
  for (let i = 0; i < warm; i++) unit()
  const compiled = performance.now() + MILLISECONDS / 2
  while (performance.now() < compiled) unit()
  const [rests, primitives] = [[], new Map()]
  const end = performance.now() + MILLISECONDS
  while (performance.now() < end) {
    before()
    take()
    const start = performance.now()
    run()
    const elapsed = performance.now() - start - clock
    const parts = take()
    // The two readings of the clock around a primitive: one is off its own time already, the other lies outside of it.
    const reading = parts.reduce((sum, { calls }) => sum + 2 * calls * clock, 0)
    const inside = parts.reduce((sum, { ms }) => sum + ms, 0)
    rests.push(Math.max(0, elapsed - reading - inside))
    for (const { name, calls, ms } of parts) {
      const seen = primitives.get(name) ?? { calls: 0, times: [] }
      seen.calls += calls
      seen.times.push(ms)
      primitives.set(name, seen)
    }
  }
  // What only some units do, such as the KEM of a post-quantum epoch, is spread over all.
  const rows = [...primitives].map(([name, { calls, times }]) => ({
    name,
    calls: calls / rests.length,
    micros: (fast(times) * 1000 * times.length) / rests.length,
  }))
  rows.sort((one, other) => other.micros - one.micros)
  const rest = fast(rests) * 1000
  return { title, total: rows.reduce((sum, { micros }) => sum + micros, rest), rest, rows }
}

const fixed = (value) => value.toFixed(value < 100 ? 1 : 0)

function print({ title, total, rows, rest }) {
  const share = (micros) => `${((100 * micros) / total).toFixed(0).padStart(3)} %`
  console.log(`${title}: ${fixed(total)} µs`)
  for (const { name, calls, micros } of rows)
    console.log(
      `  ${name.padEnd(22)} ${(Number.isInteger(calls) ? String(calls) : calls.toFixed(2)).padStart(4)} × ${fixed(micros / calls).padStart(7)} = ${fixed(micros).padStart(8)} µs  ${share(micros)}`,
    )
  console.log(`  ${'the code around them'.padEnd(22)} ${fixed(rest).padStart(25)} µs  ${share(rest)}`)
}

/** `wanted`: parts of titles; none: all. */
export async function profile(wanted = []) {
  for (const unit of await units()) if (wanted.length === 0 || wanted.some((part) => unit.title.includes(part))) print(profileUnit(unit))
}
