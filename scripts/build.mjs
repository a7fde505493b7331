import './node-version.mjs'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ROOT } from './bootstrap.mjs'
import { inParallel, run } from './processes.mjs'
import { members, workspaceDependencies } from './workspace.mjs'

const SHARED_INPUTS = ['tsup.config.ts', 'tsconfig.base.json', 'tsconfig.json', 'pnpm-lock.yaml']
const NOT_INPUTS = new Set(['dist', 'node_modules', '.cache', 'test', 'coverage', 'screenshots'])
const LOCK = join(ROOT, '.cache/build.lock')

const files = (dir, skip = new Set()) =>
  readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (skip.has(entry.name)) return []
      const path = join(dir, entry.name)
      return entry.isDirectory() ? files(path, skip) : [path]
    })

const sourceHash = (member) => {
  const hash = createHash('sha256')
  const inputs = files(member.path, NOT_INPUTS).filter((path) => !path.endsWith('.md'))
  for (const path of [...SHARED_INPUTS.map((file) => join(ROOT, file)), ...inputs]) {
    const content = readFileSync(path)
    hash.update(`${relative(ROOT, path)}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

const combine = (hashes) => createHash('sha256').update(hashes.join()).digest('hex')

/** What lies in `dist`, by size and time: a build made by hand in between is noticed as well. */
const outputs = (member) => {
  const dist = join(member.path, 'dist')
  if (!existsSync(dist)) return ''
  return files(dist)
    .map((path) => {
      const { size, mtimeMs } = statSync(path)
      return `${relative(dist, path)} ${size} ${Math.round(mtimeMs)}`
    })
    .join('\n')
}

const stampPath = (member) => join(member.path, '.cache/build.json')
const readStamp = (member) => {
  try {
    return JSON.parse(readFileSync(stampPath(member), 'utf8'))
  } catch {
    // None yet, or cut short by a kill: built anew.
    return undefined
  }
}

async function buildOne(member, hashes, types) {
  const started = Date.now()
  const lines = []
  // Without a stamp the next run builds again, should this one die half-way.
  rmSync(stampPath(member), { force: true })
  const PATH = [join(member.path, 'node_modules/.bin'), join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  const env = { ...process.env, PATH, SECURECHAT_BUILD: types ? 'types' : 'js' }
  const code = await run(member.manifest.scripts.build, [], { cwd: member.path, env, shell: true, onLine: (line) => lines.push(line) })
  if (code !== 0) throw new Error(`${member.name} was not built (exit code ${code}):\n${lines.join('\n').replaceAll(/https?:\/\/localhost/g, 'localhost')}`)
  mkdirSync(join(member.path, '.cache'), { recursive: true })
  writeFileSync(stampPath(member), JSON.stringify({ ...hashes, types, outputs: outputs(member) }))
  console.log(`  ${member.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
}

const alive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Builds empty `dist` first, so two at a time in one checkout would disturb each other. */
async function withLock(work) {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  for (let told = false; ; ) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      const holder = Number(existsSync(LOCK) ? readFileSync(LOCK, 'utf8') : 0)
      if (holder && !alive(holder)) {
        rmSync(LOCK, { force: true })
        continue
      }
      if (!told) console.log('Waiting for another build in this folder …')
      told = true
      await sleep(300)
    }
  }
  const unlock = () => rmSync(LOCK, { force: true })
  process.once('exit', unlock)
  try {
    return await work()
  } finally {
    unlock()
    process.off('exit', unlock)
  }
}

/** `jobs` whose stamp does not fit their sources. */
const stale = (types, only) => {
  const all = members()
  const own = new Map(all.map((member) => [member, sourceHash(member)]))
  const chosen = only ? all.filter((member) => only.includes(member.name)) : all
  const wanted = only ? new Set(chosen.flatMap((member) => [member, ...workspaceDependencies(member, all)])) : new Set(all)
  return all.flatMap((member) => {
    if (!wanted.has(member) || !member.manifest.scripts?.build) return []
    const deep = combine([own.get(member), ...workspaceDependencies(member, all).map((dependency) => own.get(dependency))])
    const library = member.manifest.scripts.build.startsWith('tsup')
    // A library's code is built from its own files alone; its declarations and an app's bundle also hold what they import.
    const hashes = { code: library ? own.get(member) : deep, declarations: deep }
    const declarations = types && library && member.published
    const stamp = readStamp(member)
    const fresh =
      stamp && stamp.code === hashes.code && (!declarations || (stamp.types && stamp.declarations === hashes.declarations)) && stamp.outputs === outputs(member)
    return fresh ? [] : [{ member, hashes, library, types: declarations }]
  })
}

/**
 * Builds what changed since its last build: libraries first, apps (which may bundle them) after.
 * @param {{ types?: boolean, only?: string[] }} [options] `types` adds the declarations, which only publishing needs; `only` names the packages that are wanted,
 *   with what they depend on, instead of all
 */
export async function build({ types = false, only } = {}) {
  if (stale(types, only).length === 0) return
  await withLock(async () => {
    const jobs = stale(types, only)
    if (jobs.length === 0) return
    console.log(`Building ${jobs.length === 1 ? jobs[0].member.name : `${jobs.length} packages`} …`)
    const started = Date.now()
    for (const library of [true, false]) {
      await inParallel(
        jobs.filter((job) => job.library === library).map((job) => () => buildOne(job.member, job.hashes, job.types)),
        2,
      )
    }
    console.log(`Built (${Math.round((Date.now() - started) / 1000)} s).`)
  })
}

/** Ends the process with the message alone: a failed build's stack tells nothing. */
export async function buildOrExit(options) {
  try {
    await build(options)
  } catch (error) {
    console.error(error.message)
    process.exit(1)
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await buildOrExit({ types: process.argv.includes('--types') })
