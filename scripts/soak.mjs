// `pnpm soak [--minutes N] [--seed N]`: whole conversations under every fault that the model knows, for as long as asked; a seed that was printed runs again.
import './node-version.mjs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bootstrap, ROOT } from './bootstrap.mjs'
import { run } from './processes.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0) || (values.seed !== undefined && !Number.isSafeInteger(Number(values.seed)))) {
  console.error('pnpm soak [--minutes N] [--seed N]: minutes above 0 (10 unless told), the seed a whole number.')
  process.exit(2)
}
await bootstrap()

const RUNS_EACH = 400
const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
const until = Date.now() + minutes * 60_000
let seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
for (let block = 1; ; block++, seed++) {
  console.log(`block ${block}: seed ${seed}`)
  const env = { ...process.env, SECURECHAT_MODEL_RUNS: String(RUNS_EACH), SECURECHAT_MODEL_SEED: String(seed) }
  const lines = []
  const code = await run(process.execPath, [vitest, 'run', '--project', 'unit', 'packages/crypto/test/model/conversation'], {
    cwd: ROOT,
    env,
    onLine: (line) => {
      lines.push(line)
      if (line.includes('conversations:')) console.log(`  ${line.trim()}`)
    },
  })
  if (code !== 0) {
    console.error(lines.join('\n'))
    console.error(`\nFailed in block ${block}. Again: pnpm soak --seed ${seed}`)
    process.exit(1)
  }
  if (Date.now() >= until) break
}
console.log(`Nothing found in ${minutes} minutes.`)
