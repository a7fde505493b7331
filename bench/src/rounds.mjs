import { performance } from 'node:perf_hooks'

/**
 * One contender of one workload.
 * @typedef {object} Runner
 * @property {(n: number) => (Record<string, number> | Promise<Record<string, number>>)} run does `n` units of work, checks every result and gives the milliseconds of each
 *   measure by name
 * @property {() => void} [end]
 */

/** Milliseconds that `work` takes; a promise is awaited, a plain value is not (no await is charged to synchronous code). */
export async function timed(work) {
  const start = performance.now()
  const result = work()
  if (result instanceof Promise) await result
  return performance.now() - start
}

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const shuffled = (items) => {
  const copy = [...items]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[copy[i], copy[j]] = [copy[j], copy[i]]
  }
  return copy
}

const sum = (times) => Object.values(times).reduce((total, value) => total + value, 0)

const MOST = 20_000

/**
 * Units of work that take `targetMs`: the batch grows until it takes that long, twice, since the first time much of it is compiling. The fastest batch counts,
 * so that a pause of the machine does not make the batches of one contender small.
 */
async function calibrate(runner, { fixed, targetMs }) {
  if (fixed) {
    // As often as it takes until it is compiled, but a long unit once.
    for (let spent = 0; spent < 4 * targetMs; ) spent += sum(await runner.run(fixed))
    return fixed
  }
  let fastest = Infinity
  for (let pass = 0; pass < 2; pass++) {
    for (let n = 1; ; ) {
      const spent = sum(await runner.run(n))
      fastest = Math.min(fastest, spent / n)
      if (spent >= targetMs || n >= MOST) break
      n = Math.min(MOST, spent < targetMs / 8 ? n * 4 : n * 2)
    }
  }
  return Math.max(1, Math.min(MOST, Math.round(targetMs / fastest)))
}

/**
 * Runs all contenders of a workload in interleaved rounds, in another order each round, so that what the machine does meanwhile hits all of them.
 * Gives per measure and contender the microseconds per unit of every round.
 */
export async function interleave(workload, { rounds, log }) {
  const runners = new Map()
  const batch = new Map()
  for (const [name, make] of Object.entries(workload.contenders)) {
    const runner = await make()
    runners.set(name, runner)
    batch.set(name, await calibrate(runner, { fixed: workload.batch, targetMs: workload.targetMs ?? 150 }))
  }
  const micros = {}
  for (let round = 0; round < rounds; round++) {
    for (const name of shuffled([...runners.keys()])) {
      globalThis.gc?.()
      const n = batch.get(name)
      // A full collection drops optimised JavaScript whose objects happen not to live just then; a quarter of the batch, not timed, brings it back.
      if (n >= 4) await runners.get(name).run(n >> 2)
      const times = await runners.get(name).run(n)
      for (const [measure, ms] of Object.entries(times)) {
        micros[measure] ??= {}
        micros[measure][name] ??= []
        micros[measure][name].push((ms * 1000) / n)
      }
    }
    log(`  round ${round + 1} of ${rounds}`)
  }
  for (const runner of runners.values()) runner.end?.()
  return { micros, batch: Object.fromEntries(batch) }
}

/** Peer's time ÷ ours, round by round: how many times faster we are; its median and range. */
export function ratios(micros, ours) {
  const out = {}
  for (const [name, values] of Object.entries(micros)) {
    if (name === ours || !micros[ours]) continue
    const paired = values.map((value, round) => value / micros[ours][round])
    out[name] = { median: median(paired), min: Math.min(...paired), max: Math.max(...paired) }
  }
  return out
}

/** Throws when a decrypted message is not what was encrypted: a wrong result is never timed as a right one. */
export function expectSame(actual, expected) {
  if (Buffer.compare(Buffer.from(actual), Buffer.from(expected)) !== 0) throw new Error('a plaintext came out changed')
}
