import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../bootstrap.mjs'

const GOAL = 90
const SURVIVORS = join(ROOT, 'mutants/survivors')
const KINDS = { Killed: 'noticed', Timeout: 'noticed', Survived: 'missed', NoCoverage: 'missed' }
const kindOf = ({ status, statusReason }) => (status === 'Ignored' ? (/static/i.test(statusReason) ? 'static' : 'ignored') : (KINDS[status] ?? 'unjudged'))

const folderOf = (file) =>
  file
    .replace('packages/', '')
    .replace('/src/', '/')
    .replace(/\/[^/]*$/, '')
const oneLine = (text) => text.replaceAll(/\s+/g, ' ')

/** As an explanation names it: the line where it begins, the part of the source that is replaced, and with what. */
function nameOf(file, source, { location: { start, end }, replacement }) {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  const line = lines[0].trim()
  lines.push(lines.pop().slice(0, end.column - 1))
  return { file, line, of: oneLine(lines.join('\n').slice(start.column - 1)), replacement: oneLine(replacement) }
}

const fits = (explanation, name) => Object.entries(name).every(([key, value]) => explanation[key] === undefined || explanation[key] === value)

/** The score of each folder, what nobody has explained, and which explanations were needed. */
function judge(files) {
  const explanations = readdirSync(SURVIVORS).flatMap((name) => JSON.parse(readFileSync(join(SURVIVORS, name), 'utf8')))
  const needed = new Set()
  const open = []
  const endless = []
  const none = { noticed: 0, missed: 0, explained: 0, unjudged: 0, ignored: 0, static: 0 }
  const folders = new Map()
  for (const [file, { source, mutants }] of Object.entries(files)) {
    const counts = folders.get(folderOf(file)) ?? { ...none }
    folders.set(folderOf(file), counts)
    for (const mutant of mutants) {
      const kind = kindOf(mutant)
      counts[kind]++
      if (mutant.status === 'Timeout') endless.push({ name: nameOf(file, source, mutant), at: `${file}:${mutant.location.start.line}` })
      if (kind !== 'missed' && kind !== 'unjudged') continue
      const name = nameOf(file, source, mutant)
      const explanation = kind === 'missed' && explanations.find((one) => fits(one, name))
      if (explanation) {
        needed.add(explanation)
        counts.explained++
      } else open.push({ name, status: mutant.status, at: `${file}:${mutant.location.start.line}`, reason: mutant.statusReason ?? '' })
    }
  }
  const all = { ...none }
  for (const counts of folders.values()) for (const kind of Object.keys(none)) all[kind] += counts[kind]
  return { folders, all, open, endless, stale: explanations.filter((one) => one.file in files && !needed.has(one)) }
}

const percent = ({ noticed, missed }) => (noticed + missed === 0 ? 100 : (100 * noticed) / (noticed + missed))
const row = (name, counts) => `| ${name} | ${counts.noticed + counts.missed} | ${counts.noticed} | ${percent(counts).toFixed(1)} | ${counts.explained} |`

/**
 * Prints what came out; true if the goal is reached and nothing is left to explain. `whole`: the files were mutated from end to end, so that an explanation
 * which fits nothing is out of date.
 */
export function report(files, { whole }) {
  const { folders, all, open, endless, stale } = judge(files)
  console.log('\n| folder | mutants | noticed | % | explained |\n|---|---:|---:|---:|---:|')
  for (const [name, counts] of folders) console.log(row(name, counts))
  console.log(row('all', all))
  for (const { name, status, at, reason } of open) console.log(`\n${status} ${at} ${reason}\n  ${JSON.stringify({ ...name, why: '' })}`)
  if (endless.length > 0)
    console.log(
      `\n${endless.length} were noticed because a test did not end; on a machine under load that can be the machine, so look whether the change explains it:`,
    )
  for (const { name, at } of endless) console.log(`  ${at} ${name.of} → ${name.replacement}`)
  if (whole) for (const one of stale) console.log(`\nExplained, but noticed or gone:\n  ${JSON.stringify(one)}`)
  if (all.static > 0) console.log(`\n${all.static} were not tried: they are in effect while a module is loaded (--static).`)
  const outdated = whole ? stale.length : 0
  console.log(`\n${percent(all).toFixed(1)} % noticed (goal ${GOAL}); ${open.length} to notice or explain, ${outdated} explanations out of date.`)
  return percent(all) >= GOAL && open.length === 0 && outdated === 0
}
