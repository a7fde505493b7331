import './node-version.mjs'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './processes.mjs'

const PNPM = 'pnpm@10.34.9'
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const STAMP = join(ROOT, 'node_modules/.cache/securechat/installed.json')

const HINTS = [
  {
    // better-sqlite3 downloads a prebuilt binary, or compiles where it cannot.
    when: /better-sqlite3/,
    say: 'SQLite could neither be downloaded nor compiled. A C++ compiler helps: apt-get install -y g++ make python3 (macOS: xcode-select --install), then run this again.',
  },
  { when: /ERR_PNPM_OUTDATED_LOCKFILE/, say: `pnpm-lock.yaml does not fit a package.json. After changing dependencies run: npx --yes ${PNPM} install` },
  { when: /ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN/, say: 'The npm registry could not be reached; the first run needs it.' },
]

const installed = () => {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(ROOT, file)))
  return { lockfile: hash.digest('hex'), runtime: `${process.platform}-${process.arch}-${process.versions.modules}` }
}

const readStamp = () => {
  if (!existsSync(STAMP)) return undefined
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8'))
  } catch {
    // Cut short by a kill: the same as none, the install is run again.
    return undefined
  }
}

/** Runs pnpm through npx, which comes with every npm. Its lines are shown only where they tell something, and never as a link. */
async function pnpm(args) {
  const lines = []
  let shown = 0
  const onLine = (line) => {
    lines.push(line)
    const progress = /^Progress: resolved (\d+).*added (\d+)/.exec(line)
    if (progress && Number(progress[1]) > 50 && Date.now() - shown > 3_000) {
      shown = Date.now()
      console.log(`  ${progress[2]} of ${progress[1]} packages`)
    }
  }
  const env = { ...process.env, CI: 'true', npm_config_update_notifier: 'false' }
  const code = await run('npx', ['--yes', PNPM, ...args, '--reporter=append-only'], { cwd: ROOT, env, shell: process.platform === 'win32', onLine })
  if (code === 0) return
  const output = lines.join('\n')
  console.error(
    lines
      .slice(-40)
      .join('\n')
      .replaceAll(/https?:\/\/localhost/g, 'localhost'),
  )
  for (const hint of HINTS) if (hint.when.test(output)) console.error(`\n${hint.say}`)
  console.error(`\nInstalling the dependencies failed (exit code ${code}).`)
  process.exit(1)
}

/** Installs the workspace's dependencies with the pinned pnpm unless exactly these are there already. */
export async function bootstrap() {
  const wanted = installed()
  const present = readStamp()
  const there = existsSync(join(ROOT, 'node_modules/.modules.yaml'))
  if (there && present?.lockfile === wanted.lockfile && present.runtime === wanted.runtime) return
  const started = Date.now()
  console.log(there ? 'Updating the dependencies …' : 'Installing the dependencies (first run, a minute or two) …')
  await pnpm(['install', '--frozen-lockfile'])
  // Native modules are built for one version of Node's binary interface.
  if (there && present && present.runtime !== wanted.runtime) {
    console.log('Building SQLite for this version of Node (a minute or two) …')
    await pnpm(['rebuild', '--recursive', 'better-sqlite3'])
  }
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, JSON.stringify(wanted))
  console.log(`Dependencies are ready (${Math.round((Date.now() - started) / 1000)} s).`)
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await bootstrap()
