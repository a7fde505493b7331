import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { systemRandom } from '@securechat/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LogStore } from '../src/store.js'

const deps = { provider: await sodiumProvider(), random: systemRandom }
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ratchet-only-store-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const rowsOf = (store: LogStore): [string, number | undefined][] => store.keys('').map((key) => [key, store.get(key)?.[0]])

it('a log cut anywhere gives the commits that were whole, each as a whole', async () => {
  const first = await LogStore.open(folder, deps)
  await first.commit(new Map([['a', Uint8Array.of(1)]]))
  const whole = (await readFile(join(folder, 'log'))).length
  await first.commit(
    new Map<string, Uint8Array | null>([
      ['a', null],
      ['b', Uint8Array.of(2)],
    ]),
  )
  await first.close()
  const log = await readFile(join(folder, 'log'))
  for (let cut = whole; cut <= log.length; cut += 5) {
    await writeFile(join(folder, 'log'), log.subarray(0, cut))
    const store = await LogStore.open(folder, deps)
    expect(rowsOf(store), `cut at ${cut}`).toEqual([['a', 1]])
    await store.close()
  }
  await writeFile(join(folder, 'log'), log)
  const store = await LogStore.open(folder, deps)
  expect(rowsOf(store)).toEqual([['b', 2]])
  await store.close()
})

it('a changed entry, and one in another place, is no crash and is refused', async () => {
  const store = await LogStore.open(folder, deps)
  const lengths = [(await readFile(join(folder, 'log'))).length]
  for (const value of [1, 2]) {
    await store.commit(new Map([['a', Uint8Array.of(value)]]))
    lengths.push((await readFile(join(folder, 'log'))).length)
  }
  await store.close()
  const log = await readFile(join(folder, 'log'))
  const [start, middle, end] = lengths as [number, number, number]
  const exchanged = Buffer.concat([log.subarray(0, start), log.subarray(middle, end), log.subarray(start, middle)])
  const changed = Buffer.from(log)
  changed[start + 10]! ^= 1
  for (const bytes of [exchanged, changed]) {
    await writeFile(join(folder, 'log'), bytes)
    await rm(join(folder, 'lock'), { force: true })
    await expect(LogStore.open(folder, deps)).rejects.toMatchObject({ code: 'crypto/authentication-failed' })
  }
})

it('has one writer', async () => {
  const store = await LogStore.open(folder, deps)
  await expect(LogStore.open(folder, deps)).rejects.toThrow(/in use/)
  await store.close()
  await (await LogStore.open(folder, deps)).close()
})
