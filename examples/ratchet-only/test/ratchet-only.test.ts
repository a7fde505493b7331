import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

const EXAMPLE = resolve(import.meta.dirname, '..')

function run(): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, ['--conditions=@securechat/source', '--import', 'tsx', 'src/main.ts'], {
    cwd: EXAMPLE,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece: Buffer) => {
      output += piece.toString()
    })
  }
  return new Promise((done) => child.once('exit', (code) => done({ code, output })))
}

it('shows sessions, a restart, a group and a file between processes, and ends by itself', { timeout: 240_000 }, async () => {
  const { code, output } = await run()
  expect(code, output).toBe(0)
  const safety = [...output.matchAll(/safety number with \w+: (\d{60})$/gm)].map(([, digits]) => digits)
  expect(safety).toHaveLength(2)
  expect(safety[0]).toBe(safety[1])
  const inOrder = [
    'bob   | alice: Hello Bob',
    'alice | bob: Hello Alice',
    'bob   | alice: Are you still there?',
    'bob   | stored: alice: Hello Bob',
    'alice | bob: As if nothing had happened',
    'alice | group 4: alice bob carol',
    'carol | [group] alice: Hello everybody',
    'alice | [group] carol: Hello Alice and Bob',
    'alice | [group] carol: Back again',
    'bob   | group 5: alice bob',
    'bob   | [group] alice: Without Carol',
    'The file has arrived as it was: 3000000 bytes.',
  ]
  const places = inOrder.map((line) => output.split('\n').indexOf(line))
  expect(places, output).not.toContain(-1)
  expect(places).toEqual([...places].sort((a, b) => a - b))
  // Every message once, however often its reader was killed; and nobody reads what came after him.
  for (const text of ['alice: Hello Bob', 'alice: Are you still there?', '[group] carol: Back again']) expect(output.split(`bob   | ${text}\n`)).toHaveLength(2)
  expect(output).not.toContain('carol | [group] alice: Without Carol')
  expect(output).not.toMatch(/\| (error|refused|warning)/)
})
