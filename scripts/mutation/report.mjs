import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../bootstrap.mjs'

const GOAL = 90
const SURVIVORS = join(ROOT, 'mutants/survivors')
const KINDS = { Killed: 'noticed', Timeout: 'noticed', Survived: 'missed', NoCoverage: 'missed', Ignored: 'ignored' }

const folderOf = (file) =>
  file
    .replace('packages/', '')
    .replace('/src/', '/')
    .replace(/\/[^/]*$/, '')
const percent = ({ noticed, missed }) => (noticed + missed === 0 ? 100 : (100 * noticed) / (noticed + missed)).toFixed(1)
const row = (name, counts) => `| ${name} | ${counts.noticed + counts.missed} | ${counts.noticed} | ${percent(counts)} | ${counts.explained} |`

/**
 * Prints what came out: the score of each folder, and what nobody explained. True if the goal is reached and nothing is left to explain.
 * `whole`: the files were mutated from end to end, so an explanation that fits nothing is out of date.
 */
export function report(files, { whole }) {
  const explanations = readdirSync(SURVIVORS).flatMap((name) => JSON.parse(readFileSync(join(SURVIVORS, name), 'utf8')))
  const used = new Set()
  const open = []
  const none = { noticed: 0, missed: 0, explained: 0, unjudged: 0, ignored: 0 }
  const all = { ...none }
  const folders = new Map()
  for (const [file, { source, mutants }] of Object.entries(files)) {
    const lines = source.split('\n')
    const folder = folders.get(folderOf(file)) ?? { ...none }
    folders.set(folderOf(file), folder)
    for (const { status, location, replacement, statusReason } of mutants) {
      const kind = KINDS[status] ?? 'unjudged'
      for (const counts of [folder, all]) counts[kind]++
      if (kind === 'noticed' || kind === 'ignored') continue
      const line = lines[location.start.line - 1].trim()
      const reason = explanations.find((one) => one.file === file && one.line === line && (one.replacement === undefined || one.replacement === replacement))
      if (reason && kind === 'missed') {
        used.add(reason)
        for (const counts of [folder, all]) counts.explained++
      } else open.push({ status, file, at: `${location.start.line}:${location.start.column}`, line, replacement, statusReason })
    }
  }
  const stale = whole ? explanations.filter((one) => one.file in files && !used.has(one)) : []

  console.log('\n| folder | mutants | noticed | % | explained |\n|---|---:|---:|---:|---:|')
  for (const [name, counts] of folders) console.log(row(name, counts))
  console.log(row('all', all))
  for (const { file, line, replacement } of stale) console.log(`\nExplained, but noticed or gone: ${file}\n  ${line}\n  → ${replacement ?? 'any change'}`)
  for (const { status, file, at, line, replacement, statusReason } of open)
    console.log(`\n${status} ${file}:${at} ${statusReason ?? ''}\n  ${JSON.stringify({ file, line, replacement, why: '' })}`)
  console.log(`\n${percent(all)} % noticed (goal ${GOAL}); ${open.length} to notice or explain, ${stale.length} explanations out of date.`)
  return percent(all) >= GOAL && open.length === 0 && stale.length === 0
}
