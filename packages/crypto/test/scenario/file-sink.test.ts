import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { fileSink } from '../../src/node/index.js'
import { contentOf } from '../support/attachments.js'

const folder = mkdtempSync(join(tmpdir(), 'securechat-file-sink-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const codeOfAsync = (work: Promise<unknown> | undefined | void): Promise<string> =>
  Promise.resolve(work).then(
    () => 'no error',
    (error: { code?: string }) => error.code ?? String(error),
  )
/** Of this process; where the system shows none, none are counted. */
const openFiles = (): number => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0)

test('a file is there when it is whole, in the order of its pieces, and nothing stays open', async () => {
  const path = join(folder, 'whole')
  const before = openFiles()
  const sink = fileSink(path)
  expect(sink.borrows).toBe(true)
  const content = contentOf(100_000)
  await sink.write(content.subarray(0, 1))
  await sink.write(content.subarray(1, 70_000))
  await sink.write(content.subarray(70_000))
  expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, true])
  await sink.commit()
  expect([existsSync(`${path}.part`), Buffer.compare(readFileSync(path), content)]).toEqual([false, 0])
  expect(openFiles()).toBe(before)
})

test('an abort leaves nothing, before the first byte or after it, and nothing open', async () => {
  const path = join(folder, 'aborted')
  const before = openFiles()
  await fileSink(path).abort(new Error('early'))
  const sink = fileSink(path)
  await sink.write(contentOf(10))
  await sink.abort(new Error('late'))
  expect([existsSync(path), existsSync(`${path}.part`), openFiles()]).toEqual([false, false, before])
})

test('what the file system refuses is a typed error, at the first byte or at the end', async () => {
  expect(await codeOfAsync(fileSink(join(folder, 'no', 'folder')).write(contentOf(1)))).toBe('storage/unavailable')
  const path = join(folder, 'taken')
  const sink = fileSink(path)
  await sink.write(contentOf(10))
  // A folder with something in it is not replaced by a file.
  mkdirSync(join(path, 'inside'), { recursive: true })
  expect(await codeOfAsync(sink.commit())).toBe('storage/unavailable')
  await sink.abort(new Error('no'))
  expect(existsSync(`${path}.part`)).toBe(false)
})
