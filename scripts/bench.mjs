// `npm run bench [-- workloads] [--rounds N]`: our packages beside their peers, in one run. The peers are installed here and nowhere else: some are AGPL or GPL.
import './node-version.mjs'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bootstrap, ROOT } from './bootstrap.mjs'
import { buildOrExit } from './build.mjs'
import { run } from './processes.mjs'

await bootstrap()
await buildOrExit()

const bench = join(ROOT, 'bench')
const wanted = readFileSync(join(bench, 'package.json'), 'utf8')
const stamp = join(bench, 'node_modules/.installed.json')
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.log('Installing the peers …')
  // No install scripts: the native peer ships its binaries inside the package.
  const code = await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--package-lock=false', '--loglevel=error'], { cwd: bench })
  if (code !== 0) process.exit(code)
  writeFileSync(stamp, wanted)
}
process.exit(await run(process.execPath, ['--expose-gc', join(bench, 'src/run.mjs'), ...process.argv.slice(2)], { cwd: bench }))
