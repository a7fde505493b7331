import { execFileSync, spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const missing = ['spin', 'gcc'].filter((program) => spawnSync(program, [program === 'spin' ? '-V' : '--version']).error !== undefined)
const CHECK = resolve(import.meta.dirname, '../../../../docs/protocol/models/check.sh')

test.skipIf(missing.length > 0)(
  `docs/protocol/models/pq-ratchet.pml holds, and its broken variants do not${missing.length > 0 ? ` (not installed: ${missing.join(', ')})` : ''}`,
  () => {
    const lines = execFileSync('sh', [CHECK], { encoding: 'utf8' }).trim().split('\n')
    expect(lines.map((line) => line.replace(/, \d\S* states$/, ''))).toEqual([
      'model: 0 errors',
      'two epochs are mixed (found as an error): 1 errors',
      'broken: a secret is mixed twice: 1 errors',
      'broken: encapsulates anew for every message: 1 errors',
      'broken: the answer is forgotten before it is mixed: 1 errors',
    ])
  },
  600_000,
)
