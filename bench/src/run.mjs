// Runs the workloads and writes results/*.json, chart.svg and the tables of README.md.
//   npm run bench                      everything
//   npm run bench -- messages reverse  these workloads (see src/workloads)
//   npm run bench -- --rounds 3        a quick look; nothing is written with fewer than 7 rounds
//   npm run bench -- profile [words]   which primitives a unit of each of our workloads calls, and what they take (src/profile.mjs)
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { report } from './report.mjs'
import { interleave, median, ratios } from './rounds.mjs'
import { measureSizes } from './sizes.mjs'
import { measureStartUp } from './start-up.mjs'
import attachments from './workloads/attachments.mjs'
import groups from './workloads/groups.mjs'
import messages from './workloads/messages.mjs'
import sessions from './workloads/sessions.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '9' }, 'only-report': { type: 'boolean', default: false } },
})
if (positionals[0] === 'profile') {
  const { profile } = await import('./profile.mjs')
  await profile(positionals.slice(1))
  process.exit(0)
}
const rounds = Number(values.rounds)
const workloads = [...messages, ...sessions, ...groups, ...attachments]
const chosen = positionals.length > 0 ? positionals : [...workloads.map(({ name }) => name), 'sizes', 'start-up']
const unknown = chosen.filter((name) => name !== 'sizes' && name !== 'start-up' && !workloads.some((workload) => workload.name === name))
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`Workloads: ${workloads.map(({ name }) => name).join(', ')}, sizes, start-up; --rounds is a whole number.`)
  process.exit(2)
}

const folder = new URL('../results/', import.meta.url)
mkdirSync(folder, { recursive: true })
const packages = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).dependencies
const machine = {
  cpu: os.cpus()[0]?.model ?? 'unknown',
  cores: os.cpus().length,
  node: process.version,
  // Above the number of cores the figures say more about the machine's other work than about the code.
  loadAtStart: os.loadavg()[0],
}

function save(name, result) {
  if (rounds < 7) return console.log('  fewer than 7 rounds: not written')
  writeFileSync(
    new URL(`${name}.json`, folder),
    `${JSON.stringify({ name, date: new Date().toISOString().slice(0, 10), machine, packages, rounds, ...result }, null, 1)}\n`,
  )
}

if (!values['only-report']) {
  for (const workload of workloads) {
    if (!chosen.includes(workload.name)) continue
    console.log(workload.title)
    const { micros, batch } = await interleave(workload, { rounds, log: (line) => process.stdout.isTTY && console.log(line) })
    for (const [measure, all] of Object.entries(micros)) {
      const against = ratios(all, 'SecureChat')
      for (const [name, times] of Object.entries(all)) {
        const ratio = against[name] ? `${against[name].median.toFixed(2)} × our time` : ''
        console.log(`  ${measure.padEnd(14)} ${name.padEnd(22)} ${median(times).toFixed(1).padStart(10)} µs  ${ratio}`)
      }
    }
    save(workload.name, { title: workload.title, note: workload.note, unit: workload.unit, goals: workload.goals, bytes: workload.bytes, batch, micros })
  }
  if (chosen.includes('sizes')) {
    const sizes = await measureSizes()
    console.table(sizes)
    save('sizes', { sizes })
  }
  if (chosen.includes('start-up')) {
    const startUp = measureStartUp(rounds)
    console.table(Object.fromEntries(Object.entries(startUp).map(([name, { median: ms }]) => [name, { ms: Math.round(ms) }])))
    save('start-up', { startUp })
  }
}
if (rounds >= 7) report()
// olm and the native library keep handles of their own.
process.exit(0)
