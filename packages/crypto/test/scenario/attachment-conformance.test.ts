import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type AttachmentVectors, attachmentConformance, type ConformanceFile } from '../../src/attachment/conformance/index.js'
import { fileSink } from '../../src/node/index.js'
import { chunkCiphers } from '../support/attachments.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const vectors = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../docs/protocol/vectors/attachments.json'), 'utf8')) as AttachmentVectors
const folder = mkdtempSync(join(tmpdir(), 'securechat-attachments-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
/** A folder of its own for each file, so that anything left in it is seen, whatever it is called. */
function newFile(): ConformanceFile {
  const own = mkdtempSync(join(folder, 'file-'))
  const name = `file-${++files}`
  return {
    sink: fileSink(join(own, name)),
    async read() {
      const found = readdirSync(own)
      if (found.length === 0) return null
      expect(found).toEqual([name])
      return readFileSync(join(own, name))
    },
  }
}

for (const cipher of chunkCiphers) {
  describe(`attachments with ${cipher.name}`, () => {
    for (const { name, run } of attachmentConformance) test(name, () => run({ provider: sodium, cipher, random: seededRandom(44), newFile, vectors }))
  })
}
