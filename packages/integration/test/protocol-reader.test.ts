import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const DOCUMENTS = resolve(import.meta.dirname, '../../../docs/protocol')
const run = (script: string, ...args: string[]) => spawnSync(process.execPath, [join(DOCUMENTS, 'reader', script), ...args], { encoding: 'utf8' })

test('an implementation written from the documents alone reads every vector', () => {
  const { status, stdout } = run('verify.mjs')
  expect(stdout).toMatch(/\d+ checks passed, 0 files failed\n$/)
  expect(status).toBe(0)
})

test('it notices a change of any single value of the vectors', () => {
  const { status, stdout } = run('self-test.mjs')
  expect(stdout).not.toContain('unnoticed')
  const [, noticed, changes] = /(\d+) of (\d+) changes noticed\n$/.exec(stdout) ?? []
  expect(Number(changes)).toBeGreaterThan(100)
  expect(noticed).toBe(changes)
  expect(status).toBe(0)
})

test('a vector file that it cannot read fails, and so does a changed one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'))
  try {
    cpSync(join(DOCUMENTS, 'vectors/suite-01.json'), join(folder, 'suite-01.json'))
    writeFileSync(join(folder, 'unheard-of.json'), '{}')
    expect(run('verify.mjs', folder)).toMatchObject({ status: 1, stdout: expect.stringContaining('FAILED  unheard-of') })
    rmSync(join(folder, 'unheard-of.json'))
    const vectors = JSON.parse(readFileSync(join(folder, 'suite-01.json'), 'utf8')) as { safetyNumber: string }
    writeFileSync(
      join(folder, 'suite-01.json'),
      JSON.stringify({ ...vectors, safetyNumber: vectors.safetyNumber.replace(/^./, (digit) => String((Number(digit) + 1) % 10)) }),
    )
    expect(run('verify.mjs', folder)).toMatchObject({ status: 1, stdout: expect.stringContaining('FAILED  suite-01: safety number') })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
