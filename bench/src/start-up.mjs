import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median } from './rounds.mjs'

/** A process of its own each time: milliseconds from the first line of the program to a library that has encrypted nothing yet but could. */
const PROGRAMS = {
  SecureChat: `const { sodiumProvider } = await import('../packages/crypto/dist/sodium.js'); await import('../packages/crypto/dist/index.js'); await sodiumProvider()`,
  'libsignal-client': `await import('@signalapp/libsignal-client')`,
  olm: `const { default: olm } = await import('@matrix-org/olm'); await olm.init()`,
  privacyresearch: `await import('@privacyresearch/libsignal-protocol-typescript')`,
}

export function measureStartUp(rounds) {
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const times = Object.fromEntries(Object.keys(PROGRAMS).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, program] of Object.entries(PROGRAMS)) {
      const script = `const start = performance.now(); ${program}; console.log(performance.now() - start); process.exit(0)`
      const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' })
      if (status !== 0) throw new Error(`${name} did not start: ${stderr}`)
      times[name].push(Number(stdout.trim().split('\n').at(-1)))
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, { median: median(values), rounds: values }]))
}
