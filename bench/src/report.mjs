import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { chart } from './chart.mjs'
import { median, ratios } from './rounds.mjs'

const ROOT = new URL('../', import.meta.url)
const ORDER = ['messages', 'ping-pong', 'reverse', 'sessions', 'set-up', 'group', 'group-distribution', 'attachments']

const perSecond = (micros) => {
  const rate = 1e6 / micros
  if (rate >= 100) return Math.round(rate).toLocaleString('en')
  return rate.toPrecision(3)
}
const throughput = (micros, bytes) => `${((bytes / 2 ** 20) * (1e6 / micros)).toFixed(0)} MiB/s`

/** How many times faster `ours` is than each other contender, and what was aimed at. */
function verdicts(goals, all) {
  const lines = []
  for (const [ours, peers] of Object.entries(goals ?? {})) {
    const measured = ratios(all, ours)
    for (const [peer, goal] of Object.entries(peers)) {
      const ratio = measured[peer]
      if (ratio) lines.push(`${ours} ÷ ${peer}: ${ratio.median.toFixed(2)} (goal ${goal}: ${ratio.median >= goal ? 'reached' : '**missed**'})`)
    }
  }
  return lines
}

function table({ unit, micros, goals, bytes }, measure) {
  const all = micros[measure]
  const against = ratios(all, 'SecureChat')
  const rows = Object.entries(all)
    .sort(([, a], [, b]) => median(a) - median(b))
    .map(([name, times]) => {
      const typical = median(times)
      const ratio = against[name]
      const speed = bytes ? throughput(typical, bytes) : perSecond(typical)
      return `| ${name} | ${speed} | ${ratio ? `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})` : '1'} |`
    })
  const reached = verdicts(goals?.[measure], all)
  return [
    `**${measure}**`,
    '',
    `| | ${bytes ? 'throughput' : `${unit}s per second`} | its time ÷ SecureChat's, median and range |`,
    '|---|---:|---:|',
    ...rows,
    '',
    ...(reached.length > 0 ? [`Speed ratios aimed at: ${reached.join('; ')}.`, ''] : []),
  ]
}

function sizesTable({ sizes }) {
  const names = Object.keys(sizes)
  const kinds = [...new Set(names.flatMap((name) => Object.keys(sizes[name])))]
  return [
    '## Bytes',
    '',
    `| | ${names.join(' | ')} |`,
    `|---|${names.map(() => '---:').join('|')}|`,
    ...kinds.map((kind) => `| ${kind} | ${names.map((name) => sizes[name][kind] ?? '').join(' | ')} |`),
    '',
    'A message carries 256 bytes of text. Ours is padded to a multiple of 256 bytes and names both manifests; the second row leaves padding and those echoes out.',
    '',
  ]
}

const startUpTable = ({ startUp }) => [
  '## From import to ready',
  '',
  '| | milliseconds |',
  '|---|---:|',
  ...Object.entries(startUp).map(([name, { median: ms }]) => `| ${name} | ${ms.toFixed(0)} |`),
  '',
]

/** Writes the tables between the marks of README.md, and chart.svg, from results/*.json: the figures in the document are the measured ones. */
export function report() {
  const folder = new URL('results/', ROOT)
  const results = new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')))
      .map((result) => [result.name, result]),
  )
  const lines = []
  const runs = new Set()
  for (const name of ORDER) {
    const result = results.get(name)
    if (!result) continue
    runs.add(`${result.date}, ${result.machine.cpu}, ${result.machine.cores} cores, Node ${result.machine.node}`)
    lines.push(`## ${result.title}`, '')
    if (result.note) lines.push(result.note, '')
    for (const measure of Object.keys(result.micros)) lines.push(...table(result, measure))
  }
  if (results.has('sizes')) lines.push(...sizesTable(results.get('sizes')))
  if (results.has('start-up')) lines.push(...startUpTable(results.get('start-up')))
  const readme = new URL('README.md', ROOT)
  if (!existsSync(readme)) throw new Error('bench/README.md is missing')
  const text = readFileSync(readme, 'utf8')
  const body = [`Measured: ${[...runs].join('; ')}.`, '', '![Speed relative to libsignal-client](chart.svg)', '', ...lines].join('\n')
  const marked = /(<!-- results -->\n)[\s\S]*?(<!-- end of results -->)/
  if (!marked.test(text)) throw new Error('bench/README.md has lost its marks')
  writeFileSync(
    readme,
    text.replace(marked, (_, start, end) => `${start}\n${body}\n${end}`),
  )
  writeFileSync(new URL('chart.svg', ROOT), chart(ORDER.map((name) => results.get(name)).filter(Boolean)))
}
