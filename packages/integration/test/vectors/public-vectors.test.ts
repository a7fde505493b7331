import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { runVectors } from '@securechat/crypto/conformance'
import { expect, test } from 'vitest'
import { describeWithVectors, NOT_USED, readVectors, setFiles, vectorFiles, vectorTable } from '../../src/public-vectors.js'
import { TOKEN_VECTORS, withTokenJudge } from '../../src/token-vectors.js'
import { VECTOR_SETS } from '../../src/vector-sets.js'

const DOCUMENT = resolve(import.meta.dirname, '../../../../docs/protocol/public-vectors.md')
const START = '<!-- table -->\n'

describeWithVectors('public vectors', () => {
  test('every file is used, or listed with the reason why it is not; none is listed that is not there', () => {
    const files = vectorFiles()
    const used = setFiles()
    const listed = (file: string): boolean => Object.keys(NOT_USED).some((path) => (path.endsWith('/') ? file.startsWith(path) : file === path))
    expect(files.filter((file) => used.includes(file) === listed(file))).toEqual([])
    expect(used.filter((file) => !files.includes(file))).toEqual([])
    expect(Object.keys(NOT_USED).filter((path) => !files.some((file) => file.startsWith(path)))).toEqual([])
    expect(files.length).toBeGreaterThan(500)
  })

  test('docs/protocol/public-vectors.md lists them by file and count', () => {
    const document = readFileSync(DOCUMENT, 'utf8')
    const prose = document.slice(0, document.indexOf(START) + START.length)
    if (process.env.SECURECHAT_WRITE_VECTORS) writeFileSync(DOCUMENT, `${prose}\n${vectorTable()}`)
    expect(readFileSync(DOCUMENT, 'utf8')).toBe(`${prose}\n${vectorTable()}`)
  })

  test('msgpack: of each value one form is read, and written again; the others are refused', async () => {
    const [suite] = VECTOR_SETS.library.filter(({ file }) => file?.startsWith('msgpack/'))
    const plan = suite!.plan(readVectors(suite!.file!))
    expect(await runVectors(plan, undefined)).toEqual({ passed: plan.cases.length, failures: [] })
    const refused = plan.cases.filter(({ expected }) => expected === 'protocol/malformed').length
    expect(refused).toBeGreaterThan(100)
    expect(plan.cases.length - refused).toBeGreaterThan(45)
  })

  test('attack 55: the server takes no JSON Web Signature of the vectors for an access token', async () => {
    for (const set of TOKEN_VECTORS) {
      const plan = set.plan(readVectors(set.file!))
      expect(await withTokenJudge((judge) => runVectors(plan, judge))).toEqual({ passed: plan.cases.length, failures: [] })
    }
  })
})
