import { writeSync } from 'node:fs'
import { sqliteStorage } from '../../src/index.js'

/** Commits generation after generation of 20 rows, forever, and says each acknowledged one on standard output. Begins above what it finds. */
const storage = sqliteStorage({ path: process.argv[2]! })
const value = (generation: number): Uint8Array => {
  const bytes = new Uint8Array(600)
  new DataView(bytes.buffer).setUint32(0, generation)
  return bytes
}
const first = (await storage.get('g/00'))?.value
for (let generation = first ? new DataView(first.buffer, first.byteOffset).getUint32(0) + 1 : 1; ; generation++) {
  const rows = Array.from({ length: 20 }, (_, index) => ({ put: `g/${String(index).padStart(2, '0')}`, value: value(generation) }))
  await storage.commit([...rows, { delete: `extra/${generation - 1}` }, { put: `extra/${generation}`, value: value(generation) }], {
    durability: generation % 3 === 0 ? 'relaxed' : 'strict',
  })
  writeSync(1, `${generation}\n`)
}
