import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { LIMITS, SecureChatError } from '@securechat/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import {
  attachmentLayout,
  type ByteSink,
  type ByteSource,
  type ChunkCipher,
  type ChunkKey,
  decodeAttachmentDescriptor,
  decryptAttachment,
  encodeAttachmentDescriptor,
  encryptAttachment,
  memorySink,
  openAttachment,
  webCryptoChunkCipher,
  writableSink,
} from '../../src/attachment/index.js'
import { Secret } from '../../src/index.js'
import { nobleChunkCipher } from '../../src/noble/index.js'
import { fileSink } from '../../src/node/index.js'
import { chunkCiphers, contentOf, HEADER, inPieces, MEDIA_TYPE, SMALL, seal, TAG, unseal } from '../support/attachments.js'
import { codeOf } from '../support/codes.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const CHUNK = 2 ** SMALL
const deps = { provider: sodium, cipher: webCryptoChunkCipher() }
const sealing = { ...deps, random: seededRandom(1) }
const folder = mkdtempSync(join(tmpdir(), 'securechat-attachment-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const codeOfAsync = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return codeOf(() => {
    if (error) throw error
  })
}

/** Counts what happens to it. */
function watchedSink(inner: ByteSink = { write: () => {}, commit: () => {}, abort: () => {} }) {
  const calls: string[] = []
  const sink: ByteSink = {
    write: (bytes) => {
      calls.push('write')
      return inner.write(bytes)
    },
    commit: () => {
      calls.push('commit')
      return inner.commit()
    },
    abort: (reason) => {
      calls.push('abort')
      return inner.abort(reason)
    },
  }
  return { sink, calls }
}

/** Lets the test say when each operation of the cipher ends; counts how many are open. */
function slowCipher() {
  // On this thread, so that its turns are the only time that passes.
  const inner = nobleChunkCipher()
  const state = { open: 0, most: 0, sealed: 0 }
  const counted = async <Value>(work: Promise<Value>, turns: number): Promise<Value> => {
    state.most = Math.max(state.most, ++state.open)
    // The earlier a chunk comes the later it is done, so that results arrive out of order.
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    state.open--
    return work
  }
  const cipher: ChunkCipher = {
    ...inner,
    async importKey(key): Promise<ChunkKey> {
      const { seal: sealChunk, open } = await inner.importKey(key)
      return {
        seal: (nonce, plaintext) => counted(sealChunk(nonce, plaintext), 16 - 4 * (state.sealed++ % 4)),
        open: (nonce, ciphertext) => counted(open(nonce, ciphertext), 16 - 4 * (state.sealed++ % 4)),
      }
    },
  }
  return { cipher, state }
}

describe('lanes', () => {
  test.each([1, 2, 4, 9])('%i at once, never more, and everything in order', async (lanes) => {
    const content = contentOf(12 * CHUNK)
    const { cipher, state } = slowCipher()
    const { descriptor, container } = await seal(content, { cipher, lanes })
    expect(state.most).toBe(lanes)
    expect((await seal(content, {})).container).toEqual(container)
    state.most = 0
    const to = memorySink(content.length)
    await decryptAttachment({ provider: sodium, cipher }, { descriptor, from: container, to, lanes })
    expect(state.most).toBe(lanes)
    expect(to.bytes()).toEqual(content)
  })

  test('the source is read no further ahead than the lanes reach', async () => {
    let read = 0
    let written = 0
    let ahead = 0
    function* source() {
      for (let i = 0; i < 40; i++) {
        ahead = Math.max(ahead, ++read - written)
        yield new Uint8Array(CHUNK)
      }
    }
    const sink: ByteSink = { write: async () => void written++, commit: () => {}, abort: () => {} }
    await encryptAttachment(sealing, { content: source(), to: sink, mediaType: MEDIA_TYPE, chunkBits: SMALL, lanes: 3 })
    expect(read).toBe(40)
    // One chunk per lane, and one piece to know whether the chunk before it was the last.
    expect(ahead).toBeLessThanOrEqual(4)
  })

  test.each([0, -1, 1.5, 65, Number.NaN])('%d lanes are refused', async (lanes) => {
    const { sink, calls } = watchedSink()
    expect(await codeOfAsync(encryptAttachment(sealing, { content: [], to: sink, mediaType: MEDIA_TYPE, lanes }))).toBe('client/invalid-argument')
    expect(calls).toEqual(['abort'])
  })
})

test('each encryption has a key of its own, and nothing of the content shows', async () => {
  const random = seededRandom(5)
  const content = new Uint8Array(3 * CHUNK)
  const [one, two] = [await seal(content, { random }), await seal(content, { random })]
  expect(one.descriptor.key.expose()).not.toEqual(two.descriptor.key.expose())
  const blocks = (bytes: Uint8Array): string[] =>
    Array.from({ length: Math.floor(bytes.length / 16) }, (_, i) => Buffer.from(bytes).toString('hex', 16 * i, 16 * i + 16))
  const all = [...blocks(one.container.subarray(HEADER)), ...blocks(two.container.subarray(HEADER))]
  expect(new Set(all).size).toBe(all.length)
})

test.each([
  [0, 256],
  [1, 256],
  [256, 256],
  [257, 512],
  [4096, 4096],
  [4097, 4352],
  [100_000, 100_352],
])('%i bytes of content are padded to %i: sizes near each other look alike', async (size, padded) => {
  const { descriptor, container } = await seal(contentOf(size))
  expect(attachmentLayout(descriptor).padded).toBe(padded)
  expect(container.length).toBe(HEADER + padded + TAG * Math.ceil(padded / CHUNK))
})

test('a Node stream is a source', async () => {
  const path = join(folder, 'source')
  writeFileSync(path, contentOf(5 * CHUNK))
  const { descriptor, container } = await seal(createReadStream(path, { highWaterMark: 700 }))
  expect(await unseal(descriptor, inPieces(container, [900, 3]))).toEqual(contentOf(5 * CHUNK))
})

test('progress counts content, in order, and ends with all of it', async () => {
  const content = contentOf(3 * CHUNK + 5)
  const [sealed, opened]: [number[], [number, number][]] = [[], []]
  const { descriptor, container } = await seal(content, { onProgress: (done) => sealed.push(done) })
  await decryptAttachment(deps, { descriptor, from: container, to: memorySink(content.length), onProgress: (...progress) => opened.push(progress) })
  // Padding makes further chunks, which add nothing.
  expect([...new Set(sealed)]).toEqual([CHUNK, 2 * CHUNK, 3 * CHUNK, content.length])
  expect(opened).toEqual([CHUNK, 2 * CHUNK, 3 * CHUNK, content.length].map((done) => [done, content.length]))
})

describe('nothing is kept of what failed', () => {
  const endless: ByteSource = {
    async *[Symbol.asyncIterator]() {
      for (;;) yield new Uint8Array(CHUNK)
    },
  }
  const hanging = (first: Uint8Array): ByteSource => ({
    async *[Symbol.asyncIterator]() {
      yield first
      await new Promise(() => undefined)
    },
  })

  test('cancelled before it began, and while the source, the sink or nothing hangs', async () => {
    const { descriptor, container } = await seal(contentOf(3 * CHUNK))
    const run = async (from: ByteSource, sink: ByteSink, abortAfter: number) => {
      const controller = new AbortController()
      const { sink: to, calls } = watchedSink(sink)
      const work = decryptAttachment(deps, { descriptor, from, to, signal: controller.signal })
      for (let turn = 0; turn < abortAfter; turn++) await new Promise((resolve) => setImmediate(resolve))
      controller.abort()
      expect(await codeOfAsync(work)).toBe('request/aborted')
      expect(calls.at(-1)).toBe('abort')
      expect(calls).not.toContain('commit')
    }
    const fine: ByteSink = { write: () => {}, commit: () => {}, abort: () => {} }
    await run(container, fine, 0)
    await run(hanging(new Uint8Array(0)), fine, 5)
    await run(hanging(container.subarray(0, HEADER + CHUNK)), fine, 5)
    await run(container, { ...fine, write: () => new Promise(() => undefined) }, 50)
    const controller = new AbortController()
    controller.abort()
    const input = { content: endless, to: fine, mediaType: MEDIA_TYPE, chunkBits: SMALL, signal: controller.signal }
    expect(await codeOfAsync(encryptAttachment(sealing, input))).toBe('request/aborted')
  })

  test('an endless content ends at the largest size, and its source is stopped', async () => {
    let stopped = false
    function* source() {
      try {
        for (;;) yield new Uint8Array(1 << 16)
      } finally {
        stopped = true
      }
    }
    const { sink, calls } = watchedSink()
    const cipher: ChunkCipher = {
      name: 'none',
      importKey: async () => ({ seal: async (_, plaintext) => new Uint8Array(plaintext.length + TAG), open: async () => new Uint8Array(0) }),
      sha256: async () => new Uint8Array(32),
    }
    const work = encryptAttachment({ ...sealing, cipher }, { content: source(), to: sink, mediaType: MEDIA_TYPE, chunkBits: LIMITS.attachmentChunkBitsMin })
    expect(await codeOfAsync(work)).toBe('protocol/too-large')
    expect(calls.filter((call) => call === 'write').length).toBeLessThanOrEqual(LIMITS.attachmentChunks + 1)
    expect(calls.at(-1)).toBe('abort')
    expect(stopped).toBe(true)
  })

  test('a source or a sink that fails: its typed error, or storage/unavailable with the cause', async () => {
    const { descriptor, container } = await seal(contentOf(3 * CHUNK))
    const typed = new SecureChatError('network/closed')
    const failing = (error: unknown): ByteSource => ({
      async *[Symbol.asyncIterator]() {
        yield container.subarray(0, 2 * CHUNK)
        throw error
      },
    })
    for (const [error, code] of [
      [typed, 'network/closed'],
      [new Error('disk'), 'storage/unavailable'],
    ] as const) {
      const { sink, calls } = watchedSink()
      expect(await codeOfAsync(decryptAttachment(deps, { descriptor, from: failing(error), to: sink }))).toBe(code)
      expect(calls.at(-1)).toBe('abort')
      for (const step of ['write', 'commit'] as const) {
        const broken = watchedSink({ write: () => {}, commit: () => {}, abort: () => {}, [step]: () => Promise.reject(error) })
        expect(await codeOfAsync(decryptAttachment(deps, { descriptor, from: container, to: broken.sink }))).toBe(code)
        expect(broken.calls.slice(-2)).toEqual([step, 'abort'])
      }
    }
  })

  test('a source of something else than bytes is an error of the caller', async () => {
    const { sink, calls } = watchedSink()
    const content = ['text'] as unknown as ByteSource
    expect(await codeOfAsync(encryptAttachment(sealing, { content, to: sink, mediaType: MEDIA_TYPE }))).toBe('client/invalid-argument')
    expect(calls.at(-1)).toBe('abort')
  })

  test('a sender who lies about hash or size, or who hides bytes in the padding, is refused after the last chunk at the latest', async () => {
    const content = contentOf(2 * CHUNK + 5)
    const { descriptor, container } = await seal(content)
    const wrong = new Uint8Array(32)
    for (const lie of [{ ciphertextHash: wrong }, { size: content.length - 1 }, { size: 3 * CHUNK }, { chunkBits: SMALL - 1 }]) {
      const { sink, calls } = watchedSink()
      expect(await codeOfAsync(decryptAttachment(deps, { descriptor: { ...descriptor, ...lie }, from: container, to: sink }))).toBe(
        'crypto/authentication-failed',
      )
      expect(calls).not.toContain('commit')
    }
    // Zeros behind the content and padding are the same bytes: this descriptor is one of the content with a zero more, for every reader.
    const longer = await unseal({ ...descriptor, size: content.length + 1 }, container)
    expect(longer).toEqual(Uint8Array.from([...content, 0]))
    // The same padded size and every byte authentic, but the content ends a byte earlier than the sender encrypted.
    const hidden = { ...descriptor, size: content.length - 1 }
    const readAt = async (offset: number, length: number) => container.slice(offset, offset + length)
    expect(await codeOfAsync(openAttachment(deps, { descriptor: hidden, readAt }))).toBe('crypto/authentication-failed')
  })

  test('attack 44: another content under the same key, well-formed in every chunk, is refused by the hash', async () => {
    const content = contentOf(2 * CHUNK + 5)
    const random = () => new Uint8Array(32).fill(7)
    const mine = await seal(content, { random })
    const theirs = await seal(content.toReversed(), { random })
    expect(await unseal({ ...mine.descriptor, ciphertextHash: theirs.descriptor.ciphertextHash }, theirs.container)).toEqual(content.toReversed())
    const { sink, calls } = watchedSink()
    expect(await codeOfAsync(decryptAttachment(deps, { descriptor: mine.descriptor, from: theirs.container, to: sink }))).toBe('crypto/authentication-failed')
    expect(calls).not.toContain('commit')
  })

  test('a file exists under its name only when it is whole', async () => {
    const path = join(folder, 'whole')
    const { descriptor, container } = await seal(contentOf(3 * CHUNK))
    let seen: boolean[] = []
    const onProgress = () => seen.push(existsSync(path), existsSync(`${path}.part`))
    await decryptAttachment(deps, { descriptor, from: container, to: fileSink(path), onProgress, lanes: 1 })
    expect(seen).toEqual([false, true, false, true, false, true])
    expect(new Uint8Array(readFileSync(path))).toEqual(contentOf(3 * CHUNK))
    seen = []
    const cut = container.subarray(0, -1)
    expect(await codeOfAsync(decryptAttachment(deps, { descriptor, from: cut, to: fileSink(join(folder, 'cut')), lanes: 1 }))).toBe(
      'crypto/authentication-failed',
    )
    expect([existsSync(join(folder, 'cut')), existsSync(join(folder, 'cut.part'))]).toEqual([false, false])
    const nowhere = fileSink(join(folder, 'no', 'folder'))
    expect(await codeOfAsync(decryptAttachment(deps, { descriptor, from: container, to: nowhere }))).toBe('storage/unavailable')
  })

  test('what is in memory can be had only after the commit', async () => {
    const sink = memorySink(10)
    sink.write(new Uint8Array(5))
    expect(codeOf(() => sink.bytes())).toBe('client/not-found')
    expect(codeOf(() => sink.write(new Uint8Array(6)))).toBe('protocol/too-large')
    sink.abort()
    expect(codeOf(() => sink.bytes())).toBe('client/not-found')
  })

  test('a Web stream is aborted, not closed', async () => {
    const { descriptor, container } = await seal(contentOf(3 * CHUNK))
    const ends: string[] = []
    const stream = new WritableStream<Uint8Array>({ close: () => void ends.push('close'), abort: () => void ends.push('abort') })
    await codeOfAsync(decryptAttachment(deps, { descriptor, from: container.subarray(0, -1), to: writableSink(stream) }))
    expect(ends).toEqual(['abort'])
  })
})

test('a sink that borrows gets its bytes back from nobody: their memory is released once it has written them', async () => {
  const content = contentOf(5 * CHUNK)
  const copied: number[] = []
  const held: Uint8Array[] = []
  const write = (bytes: Uint8Array): void => {
    copied.push(...bytes)
    held.push(bytes)
  }
  const rest = { commit: () => {}, abort: () => {} }
  const descriptor = await encryptAttachment(sealing, { content, to: { write, ...rest, borrows: true }, mediaType: MEDIA_TYPE, chunkBits: SMALL })
  expect(held.map(({ length }) => length)).toEqual(held.map(() => 0))
  const container = Uint8Array.from(copied)
  expect(await unseal(descriptor, container)).toEqual(content)
  held.length = 0
  await decryptAttachment(deps, { descriptor, from: container, to: { write, ...rest } })
  expect(held.map(({ length }) => length)).toEqual([CHUNK, CHUNK, CHUNK, CHUNK, CHUNK])
})

describe('reading at any place', () => {
  const content = contentOf(6 * CHUNK + 100)
  const reads: [number, number][] = []
  const readerOf = async (bytes: Uint8Array, options = {}) => {
    const { descriptor } = await seal(content)
    return openAttachment(deps, {
      descriptor,
      readAt: async (offset, length) => {
        reads.push([offset, length])
        return bytes.slice(offset, offset + length)
      },
      ...options,
    })
  }

  test('the header and the final chunk come first, then only what is asked for, once', async () => {
    const { container } = await seal(content)
    reads.length = 0
    const reader = await readerOf(container)
    const last = HEADER + 6 * (CHUNK + TAG)
    expect(reads).toEqual([
      [0, HEADER],
      [last, container.length - last],
    ])
    reads.length = 0
    expect(await reader.read({ offset: CHUNK + 3, length: 10 })).toEqual(content.subarray(CHUNK + 3, CHUNK + 13))
    expect(await reader.read({ offset: CHUNK + 13, length: 10 })).toEqual(content.subarray(CHUNK + 13, CHUNK + 23))
    expect(reads).toEqual([[HEADER + CHUNK + TAG, CHUNK + TAG]])
    expect(await reader.read({ offset: 0, length: content.length })).toEqual(content)
  })

  test('attack 44: a cut container is refused before anything is played', async () => {
    const { container } = await seal(content)
    for (const end of [HEADER + CHUNK + TAG, HEADER + 6 * (CHUNK + TAG), container.length - 1]) {
      expect(await codeOfAsync(readerOf(container.subarray(0, end)))).toBe('crypto/authentication-failed')
    }
    expect(await codeOfAsync(readerOf(container, { containerBytes: container.length + 1 }))).toBe('crypto/authentication-failed')
    expect((await readerOf(container, { containerBytes: container.length })).size).toBe(content.length)
  })

  test('attack 44: a changed or exchanged chunk is refused, its neighbours are read, and the store may mend itself', async () => {
    const { container } = await seal(content)
    const served = container.slice()
    const [one, two] = [HEADER + CHUNK + TAG, HEADER + 2 * (CHUNK + TAG)]
    served.set(container.subarray(two, two + CHUNK + TAG), one)
    const reader = await readerOf(served)
    expect(await codeOfAsync(reader.read({ offset: CHUNK, length: 1 }))).toBe('crypto/authentication-failed')
    expect(await codeOfAsync(reader.read({ offset: 0, length: content.length }))).toBe('crypto/authentication-failed')
    expect(await reader.read({ offset: 2 * CHUNK, length: 5 })).toEqual(content.subarray(2 * CHUNK, 2 * CHUNK + 5))
    served.set(container)
    expect(await reader.read({ offset: CHUNK, length: 1 })).toEqual(content.subarray(CHUNK, CHUNK + 1))
  })

  test('cancelling a read, and a store that fails', async () => {
    const { descriptor, container } = await seal(content)
    let serve: (offset: number, length: number) => Promise<Uint8Array> = async (offset, length) => container.slice(offset, offset + length)
    const reader = await openAttachment(deps, { descriptor, readAt: (offset, length) => serve(offset, length) })
    serve = () => new Promise(() => undefined)
    const controller = new AbortController()
    const reading = reader.read({ offset: 0, length: 1, signal: controller.signal })
    controller.abort()
    expect(await codeOfAsync(reading)).toBe('request/aborted')
    serve = () => Promise.reject(new Error('disk'))
    expect(await codeOfAsync(reader.read({ offset: 3 * CHUNK, length: 1 }))).toBe('storage/unavailable')
    for (const range of [
      { offset: -1, length: 1 },
      { offset: 0.5, length: 1 },
      { offset: 0, length: -1 },
      { offset: content.length, length: 1 },
    ])
      expect(await codeOfAsync(reader.read(range))).toBe('client/invalid-argument')
    expect(await reader.read({ offset: content.length, length: 0 })).toEqual(new Uint8Array(0))
  })
})

describe('the descriptor', () => {
  test('comes back as it was, and prints nothing of the key', async () => {
    const { descriptor } = await seal(contentOf(3), { mediaType: 'image/png', thumbnail: contentOf(100) })
    const decoded = decodeAttachmentDescriptor(encodeAttachmentDescriptor(descriptor))
    expect(decoded.key.expose()).toEqual(descriptor.key.expose())
    expect({ ...decoded, key: 0 }).toEqual({ ...descriptor, key: 0 })
    const key = Buffer.from(descriptor.key.expose()).toString('hex')
    expect(JSON.stringify(descriptor) + inspect(descriptor)).not.toContain(key)
    expect(inspect(descriptor.key)).toBe('[secret]')
  })

  test('what is out of its limits is neither written nor read', async () => {
    const { descriptor } = await seal(contentOf(3))
    const code = (change: object): string => codeOf(() => encodeAttachmentDescriptor({ ...descriptor, ...change }))
    expect(code({ thumbnail: new Uint8Array(LIMITS.thumbnailBytes + 1) })).toBe('protocol/too-large')
    expect(code({ size: 2 ** 34 + 1, chunkBits: 20 })).toBe('protocol/too-large')
    for (const mediaType of ['', 'image', 'Image/PNG', 'image/png; a=b', 'image/png\n', `image/${'x'.repeat(128)}`])
      expect(code({ mediaType })).toBe('client/invalid-argument')
    for (const chunkBits of [7, 23, 10.5]) expect(code({ chunkBits })).toBe('client/invalid-argument')
    expect(code({ key: new Secret(new Uint8Array(31)) })).toBe('client/invalid-argument')
    const bytes = encodeAttachmentDescriptor(descriptor)
    const changed = (at: number, value: number): Uint8Array => bytes.map((byte, i) => (i === at ? value : byte))
    const fields = 1 + 'SC1/att/descriptor'.length + 2
    expect(codeOf(() => decodeAttachmentDescriptor(changed(fields + 4, 2)))).toBe('protocol/unsupported-version')
    expect(codeOf(() => decodeAttachmentDescriptor(changed(fields + 9, 1)))).toBe('protocol/unsupported-version')
    expect(codeOf(() => decodeAttachmentDescriptor(changed(fields + 14, 23)))).toBe('protocol/malformed')
    expect(codeOf(() => decodeAttachmentDescriptor(bytes.subarray(0, -1)))).toBe('protocol/malformed')
  })
})

test('another version or suite of the container is said to be one', async () => {
  const { descriptor, container } = await seal(contentOf(3))
  for (const at of [0, 1]) {
    const changed = container.map((byte, i) => (i === at ? byte + 1 : byte))
    expect(await codeOfAsync(unseal(descriptor, changed))).toBe('protocol/unsupported-version')
  }
})

test('the ciphers agree, and refuse wrong lengths alike', async () => {
  const content = contentOf(2 * CHUNK + 1)
  for (const sealer of chunkCiphers) {
    const { descriptor, container } = await seal(content, { cipher: sealer })
    for (const opener of chunkCiphers) expect(await unseal(descriptor, container, opener)).toEqual(content)
    expect(await codeOfAsync(sealer.importKey(new Uint8Array(16)))).toBe('crypto/invalid-key')
    const key = await sealer.importKey(new Uint8Array(32))
    expect(await codeOfAsync(key.seal(new Uint8Array(16), content))).toBe('crypto/invalid-key')
    expect(await codeOfAsync(key.open(new Uint8Array(11), content))).toBe('crypto/invalid-key')
    expect(await codeOfAsync(key.open(new Uint8Array(12), new Uint8Array(15)))).toBe('crypto/authentication-failed')
  }
})

test('a runtime without WebCrypto is told so, not served something weaker', () => {
  const { crypto } = globalThis
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true })
  try {
    expect(codeOf(() => webCryptoChunkCipher())).toBe('client/invalid-argument')
  } finally {
    Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true })
  }
})
