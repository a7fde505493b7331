import { describe, expect, test } from 'vitest'
import { decryptAttachment, memorySink, openAttachment, type ReadableByteStream, webCryptoChunkCipher, writableSink } from '../../src/attachment/index.js'
import { BufferRing } from '../../src/attachment/lanes.js'
import { contentOf, HEADER, SMALL, seal, TAG, unseal } from '../support/attachments.js'
import { codeOf } from '../support/codes.js'
import { sodium } from '../support/providers.js'

const CHUNK = 2 ** SMALL
const deps = { provider: sodium, cipher: webCryptoChunkCipher() }
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((done) => setImmediate(done))
}
const codeOfAsync = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: { code?: string }) => error.code ?? String(error),
  )

/** A Web stream of an engine whose streams cannot be iterated. Some give a piece without a value. */
function stream(pieces: readonly (Uint8Array | undefined)[]): ReadableByteStream & { readonly cancelled: unknown[] } {
  const left = [...pieces]
  const cancelled: unknown[] = []
  return {
    cancelled,
    getReader: () => ({
      read: async () => (left.length > 0 ? { done: false, value: left.shift() } : { done: true }),
      cancel: async (reason) => void cancelled.push(reason),
    }),
  }
}

describe('a source that is a stream without an iterator', () => {
  test('is read to its end, also where a piece has no value, and not cancelled then', async () => {
    const content = contentOf(3 * CHUNK + 5)
    const source = stream([content.subarray(0, 100), undefined, content.subarray(100)])
    const { descriptor, container } = await seal(source)
    expect(await unseal(descriptor, stream([container]))).toEqual(content)
    const whole = stream([container])
    const other = { ...descriptor, ciphertextHash: new Uint8Array(32) }
    expect(await codeOfAsync(decryptAttachment(deps, { descriptor: other, from: whole, to: memorySink(1 << 20) }))).toBe('crypto/authentication-failed')
    expect([source.cancelled, whole.cancelled]).toEqual([[], []])
  })

  test('is cancelled, with the reason, when the rest of it is not wanted', async () => {
    const { descriptor, container } = await seal(contentOf(3 * CHUNK))
    const changed = container.map((byte, at) => (at === HEADER ? byte ^ 1 : byte))
    const source = stream([changed.subarray(0, HEADER + CHUNK + TAG), changed.subarray(HEADER + CHUNK + TAG)])
    expect(await codeOfAsync(decryptAttachment(deps, { descriptor, from: source, to: memorySink(1 << 20), lanes: 1 }))).toBe('crypto/authentication-failed')
    expect(source.cancelled).toEqual([expect.objectContaining({ code: 'crypto/authentication-failed' })])
  })
})

test('a source that hangs is asked for nothing more once nobody waits for it', async () => {
  let asked = 0
  let give = (_: IteratorResult<Uint8Array>): void => undefined
  const source: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        asked++
        return new Promise((resolve) => {
          give = resolve
        })
      },
    }),
  }
  const abort = new AbortController()
  const sealed = codeOfAsync(seal(source, { signal: abort.signal }))
  await turns(3)
  abort.abort()
  expect(await sealed).toBe('request/aborted')
  give({ done: false, value: contentOf(10) })
  await turns(5)
  expect(asked).toBe(1)
})

test('a part that failed late does not push out the same part, read again meanwhile', async () => {
  const { descriptor, container } = await seal(contentOf(5 * CHUNK))
  const asked: number[] = []
  const failing: (() => void)[] = []
  const reader = await openAttachment(deps, {
    descriptor,
    readAt: (offset, length) => {
      const chunk = Math.floor((offset - HEADER) / (CHUNK + TAG))
      asked.push(chunk)
      if (chunk === 1 && failing.length === 0) return new Promise((_, reject) => failing.push(() => reject(new Error('network'))))
      return Promise.resolve(container.slice(offset, offset + length))
    },
  })
  asked.length = 0
  const read = (chunk: number): Promise<Uint8Array> => reader.read({ offset: chunk * CHUNK, length: 1 })
  const first = codeOfAsync(read(1))
  await read(2)
  await read(3)
  await read(1)
  failing[0]!()
  expect(await first).toBe('storage/unavailable')
  await read(1)
  expect(asked).toEqual([1, 2, 3, 1])
})

test('chunks of padding alone are neither written nor told', async () => {
  // 257 chunks of content, 264 of what they are padded to.
  const content = contentOf(65_537)
  const { descriptor, container } = await seal(content, { chunkBits: 8 })
  const [written, told]: [number[], number[]] = [[], []]
  const to = { write: (bytes: Uint8Array) => void written.push(bytes.length), commit: () => undefined, abort: () => undefined }
  await decryptAttachment(deps, { descriptor, from: container, to, onProgress: (bytes) => told.push(bytes) })
  expect(written).toEqual([...Array.from({ length: 256 }, () => 256), 1])
  expect(told).toHaveLength(257)
})

test('buffers that were given back are used again', () => {
  const ring = new BufferRing(8)
  const [one, two] = [ring.take(), ring.take()]
  expect(one).not.toBe(two)
  ring.give(one)
  expect(ring.take()).toBe(one)
})

describe('sinks', () => {
  test('a stream borrows what it is given only where that is said', () => {
    const writer = { write: async () => undefined, close: async () => undefined, abort: async () => undefined }
    expect(writableSink({ getWriter: () => writer }).borrows).toBe(false)
    expect(writableSink({ getWriter: () => writer }, { borrows: true }).borrows).toBe(true)
  })

  test('in memory, what was committed is gone once it is aborted', () => {
    const sink = memorySink(10)
    sink.write(contentOf(3))
    sink.commit()
    expect(sink.bytes()).toEqual(contentOf(3))
    sink.abort()
    expect(codeOf(() => sink.bytes())).toBe('client/not-found')
  })
})
