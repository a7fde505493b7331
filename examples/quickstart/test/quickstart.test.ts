import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { quickstart } from '../src/quickstart.js'

it('carries a message from Alice to Bob', async () => {
  expect(await quickstart()).toBe('Hello Bob')
})

it('takes at most 30 lines of app code', () => {
  const lines = readFileSync(resolve(import.meta.dirname, '../src/quickstart.ts'), 'utf8').split('\n')
  expect(lines.filter((line) => line.trim() !== '' && !/^\s*(\/\/|\/\*|\*)/.test(line)).length).toBeLessThanOrEqual(30)
})
