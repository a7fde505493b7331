import { expect, test } from 'vitest'
import { createCryptoDeps } from '../../src/index.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

test('dependencies of a program: the clock is read at every call, random bytes come in blocks and none twice', () => {
  const asked: number[] = []
  const source = seededRandom(3)
  const random = (length: number): Uint8Array => {
    asked.push(length)
    return source(length)
  }
  let time = 1_800_000_000_000
  const deps = createCryptoDeps({ provider: sodium, random, clock: { now: () => time++ } })
  expect(asked).toEqual([])
  expect([deps.now, deps.now]).toEqual([1_800_000_000_000, 1_800_000_000_001])
  expect(deps.provider).toBe(sodium)
  const [one, other] = [deps.random(32), deps.random(32)]
  expect(asked).toEqual([4096])
  const block = seededRandom(3)(4096)
  expect([one, other]).toEqual([block.slice(0, 32), block.slice(32, 64)])
})
