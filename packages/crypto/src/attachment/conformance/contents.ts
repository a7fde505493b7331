import { attachmentLayout, decodeAttachmentDescriptor, encodeAttachmentDescriptor } from '../descriptor.js'
import { encryptAttachment } from '../encrypt.js'
import { openAttachment } from '../reader.js'
import { memorySink, writableSink } from '../sink.js'
import { type AttachmentConformanceCase, CASE_CHUNK_BITS, check, codeOf, contentOf, equalBytes, openContent, sealContent, withKey } from './context.js'

const CHUNK = 2 ** CASE_CHUNK_BITS
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const unhex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

function* inPieces(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length)
}

export const contentCases: readonly AttachmentConformanceCase[] = [
  {
    name: 'the published vectors: the same container and descriptor, and they open',
    async run(context) {
      check(context.vectors.containers.length > 0, 'no vectors')
      for (const vector of context.vectors.containers) {
        const what = `size ${vector.size}, chunk bits ${vector.chunkBits}`
        const to = memorySink(1 << 26)
        const { chunkBits, mediaType } = vector
        const input = { content: contentOf(vector.size), to, mediaType, chunkBits, thumbnail: unhex(vector.thumbnail) }
        const descriptor = await encryptAttachment({ ...context, random: () => unhex(vector.key) }, input)
        check(hex(context.provider.blake2b(32, to.bytes())) === vector.containerBlake2b, `${what}: container`)
        check(hex(encodeAttachmentDescriptor(descriptor)) === vector.descriptor, `${what}: descriptor`)
        equalBytes(await openContent(context, decodeAttachmentDescriptor(unhex(vector.descriptor)), to.bytes()), contentOf(vector.size), what)
      }
    },
  },
  {
    name: 'every size around the ends of chunks comes back, through pieces of any size',
    async run(context) {
      for (const size of [0, 1, 255, 256, 257, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK - 1, 3 * CHUNK, 3 * CHUNK + 1, 4096, 4097, 9 * CHUNK]) {
        for (const piece of [1, 7, CHUNK, CHUNK + 1, 1 << 20]) {
          if (piece === 1 && size > 2 * CHUNK) continue
          const { descriptor, container } = await sealContent(context, inPieces(contentOf(size), piece))
          check(container.length === attachmentLayout(descriptor).container, `size ${size}: length of the container`)
          equalBytes(await openContent(context, descriptor, inPieces(container, piece)), contentOf(size), `size ${size} in pieces of ${piece}`)
        }
      }
    },
  },
  {
    name: 'a Web stream in, a Web stream out',
    requires: 'web-streams',
    async run(context) {
      const streamOf = (bytes: Uint8Array, length: number): ReadableStream<Uint8Array> => {
        const pieces = inPieces(bytes, length)
        return new ReadableStream({
          pull(controller) {
            const { done, value } = pieces.next()
            if (done) controller.close()
            else controller.enqueue(value)
          },
        })
      }
      const content = contentOf(5 * CHUNK + 3)
      const seen: number[] = []
      let closed = false
      const written = new WritableStream<Uint8Array>({
        write: (bytes) => void seen.push(...bytes),
        close: () => {
          closed = true
        },
      })
      const input = { content: streamOf(content, 100), to: writableSink(written), mediaType: 'text/plain', chunkBits: CASE_CHUNK_BITS }
      const descriptor = await encryptAttachment(context, input)
      check(closed, 'the stream was not closed')
      equalBytes(await openContent(context, descriptor, streamOf(Uint8Array.from(seen), 333)), content, 'through streams')
    },
  },
  {
    name: 'every range is a slice of the content',
    async run(context) {
      const content = contentOf(5 * CHUNK + 3)
      const { descriptor, container } = await sealContent(context, content)
      const reader = await openAttachment(context, { descriptor, readAt: async (offset, length) => container.slice(offset, offset + length) })
      check(reader.size === content.length, 'size')
      const edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK, content.length - 1, content.length]
      for (const start of edges)
        for (const end of edges.filter((edge) => edge >= start))
          equalBytes(await reader.read({ offset: start, length: end - start }), content.subarray(start, end), `${start} to ${end}`)
      check((await codeOf(reader.read({ offset: 1, length: content.length }))) === 'client/invalid-argument', 'beyond the end')
    },
  },
  {
    name: 'another key opens nothing',
    async run(context) {
      const { descriptor, container } = await sealContent(context, contentOf(3))
      check((await codeOf(openContent(context, withKey(descriptor, new Uint8Array(32)), container))) === 'crypto/authentication-failed', 'opened')
    },
  },
]
