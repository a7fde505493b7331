import { LABELS, LIMITS, parseT, T } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { openChunk } from '../../src/attachment/chunk.js'
import {
  attachmentLayout,
  decodeAttachmentDescriptor,
  decryptAttachment,
  encodeAttachmentDescriptor,
  encryptAttachment,
  memorySink,
  openAttachment,
  webCryptoChunkCipher,
} from '../../src/attachment/index.js'
import { attachmentKeys, chunkNonce } from '../../src/attachment/keys.js'
import { layoutOf } from '../../src/attachment/layout.js'
import { Secret } from '../../src/index.js'
import { contentOf, HEADER, MEDIA_TYPE, SMALL, seal, TAG, unseal } from '../support/attachments.js'
import { codeOf } from '../support/codes.js'
import { misshapen } from '../support/fields.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const CHUNK = 2 ** SMALL
const deps = { provider: sodium, cipher: webCryptoChunkCipher(), random: seededRandom(2) }
const codeOfAsync = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: { code?: string }) => error.code ?? String(error),
  )

describe('parts that are kept', () => {
  async function reader() {
    const content = contentOf(5 * CHUNK)
    const { descriptor, container } = await seal(content)
    const asked: number[] = []
    const disk = { broken: false }
    const opened = await openAttachment(deps, {
      descriptor,
      readAt: async (offset, length) => {
        asked.push(Math.floor((offset - HEADER) / (CHUNK + TAG)))
        if (disk.broken) throw new Error('disk')
        return container.slice(offset, offset + length)
      },
    })
    asked.length = 0
    const read = (chunk: number) => opened.read({ offset: chunk * CHUNK, length: 1 })
    return { read, asked, disk }
  }

  test('are the two that were read last', async () => {
    const { read, asked } = await reader()
    for (const chunk of [0, 1, 0, 1, 2, 1, 2, 0, 2, 1]) await read(chunk)
    // 0 went when 2 came, 1 when 0 came again.
    expect(asked).toEqual([0, 1, 2, 0, 1])
  })

  test('are none that could not be read', async () => {
    const { read, asked, disk } = await reader()
    disk.broken = true
    expect(await codeOfAsync(read(1))).toBe('storage/unavailable')
    disk.broken = false
    expect(await read(1)).toHaveLength(1)
    await read(1)
    expect(asked).toEqual([1, 1])
  })

  test('are shared by those who ask at one time', async () => {
    const { read, asked } = await reader()
    await Promise.all([read(3), read(3), read(3)])
    expect(asked).toEqual([3])
  })
})

test('nothing listens to a signal when the work is done', async () => {
  const { signal } = new AbortController()
  let [added, listening] = [0, 0]
  const heard = new Proxy(signal, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (event: string, ...more: unknown[]): unknown => {
        if (name === 'addEventListener') [added, listening] = [added + 1, listening + 1]
        if (name === 'removeEventListener' && event === 'abort') listening--
        return Reflect.apply(value, target, [event, ...more])
      }
    },
  })
  const content = contentOf(3 * CHUNK)
  const { descriptor, container } = await seal(content, { signal: heard })
  await decryptAttachment(deps, { descriptor, from: container, to: memorySink(1 << 20), signal: heard })
  const reader = await openAttachment(deps, { descriptor, readAt: async (offset, length) => container.slice(offset, offset + length), signal: heard })
  await reader.read({ offset: 0, length: content.length, signal: heard })
  expect([added > 0, listening]).toEqual([true, 0])
})

test('up to 64 lanes', async () => {
  for (const lanes of [1, 64]) expect((await seal(contentOf(10), { lanes })).descriptor.size).toBe(10)
  for (const lanes of [0, 65, 1.5]) expect(await codeOfAsync(seal(contentOf(10), { lanes }))).toBe('client/invalid-argument')
})

test('chunks of 256 bytes to 4 MiB', async () => {
  for (const chunkBits of [8, 22]) {
    const { descriptor, container } = await seal(contentOf(300), { chunkBits })
    expect(descriptor.chunkBits).toBe(chunkBits)
    expect(await unseal(descriptor, container)).toEqual(contentOf(300))
    expect(decodeAttachmentDescriptor(encodeAttachmentDescriptor(descriptor)).chunkBits).toBe(chunkBits)
  }
  const to = memorySink(1 << 20)
  for (const chunkBits of [7, 23, 8.5, Number.NaN])
    expect(await codeOfAsync(encryptAttachment(deps, { content: contentOf(1), to, mediaType: MEDIA_TYPE, chunkBits }))).toBe('client/invalid-argument')
})

test('as many chunks as there may be, and chunks of padding alone', async () => {
  const most = LIMITS.attachmentChunks * 256
  expect(attachmentLayout({ size: most, chunkBits: 8 }).chunks).toBe(LIMITS.attachmentChunks)
  expect(() => attachmentLayout({ size: most + 1, chunkBits: 8 })).toThrow(expect.objectContaining({ code: 'protocol/too-large' }))
  // 257 chunks of content, 264 of what they are padded to.
  const content = contentOf(65_537)
  const { descriptor, container } = await seal(content, { chunkBits: 8 })
  expect(attachmentLayout(descriptor).chunks).toBe(264)
  expect(container).toHaveLength(HEADER + 264 * (256 + TAG))
  expect(await unseal(descriptor, container)).toEqual(content)
})

test('the thumbnail is a copy, and up to 32 KiB', async () => {
  const thumbnail = contentOf(LIMITS.thumbnailBytes)
  const { descriptor } = await seal(contentOf(3), { thumbnail })
  thumbnail.fill(0)
  expect(descriptor.thumbnail).toEqual(contentOf(LIMITS.thumbnailBytes))
  const bytes = encodeAttachmentDescriptor(descriptor)
  const decoded = decodeAttachmentDescriptor(bytes)
  bytes.fill(0)
  expect(decoded.thumbnail).toEqual(descriptor.thumbnail)
  expect([decoded.key.expose(), decoded.ciphertextHash]).toEqual([descriptor.key.expose(), descriptor.ciphertextHash])
})

test('a chunk that the sender sealed shorter or longer than its place is none', async () => {
  const layout = layoutOf({ size: 5, chunkBits: SMALL })
  const keys = await attachmentKeys(deps, { key: new Secret(deps.random(32)), chunkBits: SMALL })
  const sealed = (length: number) => keys.chunkKey.seal(chunkNonce(keys.noncePrefix, 0, true), new Uint8Array(length))
  expect(await openChunk({ keys, layout, index: 0, sealed: await sealed(layout.padded) })).toEqual(new Uint8Array(5))
  for (const length of [4, 5, layout.padded - 1, layout.padded + 1])
    expect(await codeOfAsync(openChunk({ keys, layout, index: 0, sealed: await sealed(length) }))).toBe('crypto/authentication-failed')
})

describe('a descriptor of another shape', () => {
  const descriptor = {
    key: new Secret(contentOf(32)),
    chunkBits: SMALL,
    ciphertextHash: contentOf(32),
    size: 3,
    mediaType: MEDIA_TYPE,
    thumbnail: contentOf(2),
  }
  const fields = parseT(encodeAttachmentDescriptor(descriptor), LABELS.attachmentDescriptor)

  test.each(misshapen(fields, [6, 7]))('$what: not read', ({ fields: other }) => {
    expect(['protocol/malformed', 'protocol/unsupported-version']).toContain(codeOf(() => decodeAttachmentDescriptor(T(LABELS.attachmentDescriptor, ...other))))
  })

  test('a hash of another length is not written', () => {
    for (const length of [0, 31, 33])
      expect(codeOf(() => encodeAttachmentDescriptor({ ...descriptor, ciphertextHash: new Uint8Array(length) }))).toBe('client/invalid-argument')
  })

  test('media types of 3 to 255 characters', () => {
    const written = (mediaType: string) => encodeAttachmentDescriptor({ ...descriptor, mediaType })
    for (const mediaType of ['a/b', `${'a'.repeat(127)}/${'b'.repeat(127)}`]) expect(decodeAttachmentDescriptor(written(mediaType)).mediaType).toBe(mediaType)
    for (const mediaType of ['a/', '/b', `${'a'.repeat(128)}/b`, `a/${'b'.repeat(128)}`])
      expect(codeOf(() => written(mediaType))).toBe('client/invalid-argument')
  })
})
