import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Person, ratchetOnly } from '../../src/ratchet-only.js'

// As docs/protocol/10-attachments.md, with the chunks of 4 KiB that the example uses.
const HEADER = 35
const CHUNK = 4096 + 16
const CHUNKS = 5

let system: Awaited<ReturnType<typeof ratchetOnly>>
let alice: Person
let bob: Person
const content = Uint8Array.from({ length: CHUNKS * 4096 - 100 }, (_, i) => i % 251)

beforeAll(async () => {
  system = await ratchetOnly()
  ;[alice, bob] = [await system.person('alice'), await system.person('bob')]
  await writeFile(join(system.root, 'film'), content)
}, 180_000)
afterAll(() => system.end())

const chunk = (container: Uint8Array, index: number): Uint8Array => container.subarray(HEADER + index * CHUNK, HEADER + (index + 1) * CHUNK)
const joined = (container: Uint8Array, chunks: readonly Uint8Array[]): Uint8Array => Buffer.concat([container.subarray(0, HEADER), ...chunks])
const chunksOf = (container: Uint8Array): Uint8Array[] => Array.from({ length: CHUNKS }, (_, index) => chunk(container, index))

/** Bob sends the file, the relay gives what the attack makes of it; resolves to the code that Alice has refused it with. */
async function attacked(attack: (container: Uint8Array) => Uint8Array): Promise<string> {
  system.relay.onDownload = attack
  bob.do(`file alice ${join(system.root, 'film')}`)
  const line = await alice.sees(/^(refused file|bob sent a file|error)/)
  system.relay.onDownload = (container) => container
  return line.replace('refused file: ', '')
}

/** The system was not harmed: the same file arrives when nobody changes it, and is then the only thing there. */
async function arrivesWhole(): Promise<void> {
  expect(await alice.files()).toEqual([])
  bob.do(`file alice ${join(system.root, 'film')}`)
  const path = (await alice.sees(/^bob sent a file: /)).split(': ')[1] ?? ''
  expect(Buffer.compare(await readFile(path), content)).toBe(0)
  expect(await alice.files()).toHaveLength(1)
  // The next attack begins with an empty folder.
  await rm(path)
}

describe('attack 44: a relay that changes attachments on their way', () => {
  it('attack 44: cut at every chunk boundary and beside it: an error and no file, whole or partial', { timeout: 180_000 }, async () => {
    for (let index = 0; index < CHUNKS; index++) {
      for (const at of [HEADER + index * CHUNK, HEADER + index * CHUNK + 100]) {
        expect(await attacked((container) => container.subarray(0, at)), `cut at ${at}`).toBe('crypto/authentication-failed')
        expect(await alice.files()).toEqual([])
      }
    }
    expect(await attacked(() => new Uint8Array(0))).toBe('crypto/authentication-failed')
    await arrivesWhole()
  })

  it('attack 44: chunks exchanged, repeated or left out at every boundary: an error and no file', { timeout: 180_000 }, async () => {
    for (let index = 0; index + 1 < CHUNKS; index++) {
      const exchanged = (container: Uint8Array): Uint8Array => {
        const chunks = chunksOf(container)
        ;[chunks[index], chunks[index + 1]] = [chunks[index + 1]!, chunks[index]!]
        return joined(container, chunks)
      }
      const repeated = (container: Uint8Array): Uint8Array => joined(container, chunksOf(container).toSpliced(index + 1, 1, chunk(container, index)))
      const leftOut = (container: Uint8Array): Uint8Array => joined(container, chunksOf(container).toSpliced(index, 1))
      for (const attack of [exchanged, repeated, leftOut]) {
        expect(await attacked(attack), `${attack.name} ${index}`).toBe('crypto/authentication-failed')
        expect(await alice.files()).toEqual([])
      }
    }
    await arrivesWhole()
  })

  it('attack 44: chunks of another attachment, and another attachment, put in their place: an error and no file', { timeout: 180_000 }, async () => {
    bob.do(`file alice ${join(system.root, 'film')}`)
    const path = (await alice.sees(/^bob sent a file: /)).split(': ')[1] ?? ''
    await rm(path)
    const other = system.relay.blobs.at(-1)!
    for (let index = 0; index < CHUNKS; index++) {
      const swapped = (container: Uint8Array): Uint8Array => joined(container, chunksOf(container).with(index, chunk(other, index)))
      expect(await attacked(swapped), `chunk ${index}`).toBe('crypto/authentication-failed')
      expect(await alice.files()).toEqual([])
    }
    expect(await attacked(() => other)).toBe('crypto/authentication-failed')
    await arrivesWhole()
  })

  it('attack 44: bytes behind the last chunk: an error and no file', { timeout: 180_000 }, async () => {
    for (const more of [1, 16, CHUNK])
      expect(await attacked((container) => Buffer.concat([container, new Uint8Array(more)]))).toBe('crypto/authentication-failed')
    expect(await attacked((container) => Buffer.concat([container, chunk(container, CHUNKS - 1)]))).toBe('crypto/authentication-failed')
    await arrivesWhole()
  })
})
