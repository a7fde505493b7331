import { isSecureChatError, parseSharedBody } from '@securechat/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attachmentLayout, decodeAttachmentDescriptor, encodeAttachmentDescriptor, memorySink, openAttachment } from '../../src/attachment/index.js'
import { decodeFrankingReport, decodeFrankingStamp } from '../../src/franking/server/index.js'
import {
  decodeSharedBodyReference,
  encodeFrankingReport,
  encodeSharedBodyReference,
  type FrankingReport,
  openSharedBody,
  sealSharedBody,
} from '../../src/index.js'
import { nobleChunkCipher } from '../../src/noble/index.js'
import { contentOf, inPieces, SMALL, seal, unseal } from '../support/attachments.js'
import { sampleReport } from '../support/franking.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const CHUNK = 2 ** SMALL
// On this thread: hundreds of small files are not worth a way to another one.
const cipher = nobleChunkCipher()
/** Close to every boundary, and anything. */
const sizes = fc.oneof(
  fc.record({ chunks: fc.integer({ min: 0, max: 4 }), off: fc.integer({ min: -2, max: 2 }) }).map(({ chunks, off }) => Math.max(0, chunks * CHUNK + off)),
  fc.integer({ min: 0, max: 6 * CHUNK }),
)
const pieces = fc.array(fc.integer({ min: 1, max: 2 * CHUNK }), { minLength: 1, maxLength: 4 })

test('any content through any pieces and lanes comes back, in the one container that its key makes', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, pieces, pieces, fc.integer({ min: 1, max: 5 }), async (size, piecesIn, piecesOut, lanes) => {
      const content = contentOf(size)
      const { descriptor, container } = await seal(inPieces(content, piecesIn), { lanes, cipher })
      expect((await seal(content, { cipher })).container).toEqual(container)
      expect(container.length).toBe(attachmentLayout(descriptor).container)
      expect(await unseal(descriptor, inPieces(container, piecesOut), cipher)).toEqual(content)
    }),
    { numRuns: 60, seed: 44 },
  )
})

test('any range is a slice of the content', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 5 }), async (size, ranges) => {
      const content = contentOf(size)
      const { descriptor, container } = await seal(content, { cipher })
      const readAt = async (offset: number, length: number) => container.subarray(offset, offset + length)
      const reader = await openAttachment({ provider: sodium, cipher }, { descriptor, readAt })
      const found = await Promise.all(
        ranges.map(([from, to]) => {
          const offset = from % (size + 1)
          return reader.read({ offset, length: to % (size - offset + 1) })
        }),
      )
      expect(found).toEqual(ranges.map(([from, to]) => content.subarray(from % (size + 1), (from % (size + 1)) + (to % (size - (from % (size + 1)) + 1)))))
    }),
    { numRuns: 60, seed: 45 },
  )
})

test('attack 44: any other bytes than the container give nothing but an error', async () => {
  const { descriptor, container } = await seal(contentOf(3 * CHUNK + 7), { cipher })
  const edits = fc.array(fc.record({ at: fc.nat(), cut: fc.integer({ min: 0, max: 2 * CHUNK }), put: fc.uint8Array({ maxLength: 40 }) }), {
    minLength: 1,
    maxLength: 2,
  })
  await fc.assert(
    fc.asyncProperty(edits, pieces, async (changes, lengths) => {
      let bytes = container
      for (const { at, cut, put } of changes) {
        const start = at % (bytes.length + 1)
        bytes = Uint8Array.from([...bytes.subarray(0, start), ...put, ...bytes.subarray(start + cut)])
      }
      fc.pre(Buffer.compare(bytes, container) !== 0)
      const code = await unseal(descriptor, inPieces(bytes, lengths), cipher).then(
        () => 'opened',
        (error: unknown) => (isSecureChatError(error) ? error.code : 'untyped'),
      )
      expect(['crypto/authentication-failed', 'protocol/unsupported-version']).toContain(code)
    }),
    { numRuns: 150, seed: 46 },
  )
})

test('any content that fits comes back from a shared body', () => {
  const random = seededRandom(9)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6000 }), (size) => {
      const { body, reference } = sealSharedBody({ provider: sodium, random }, contentOf(size))
      const read = decodeSharedBodyReference(encodeSharedBodyReference(reference))
      expect(openSharedBody({ provider: sodium }, { reference: read, headerId: reference.id, body })).toEqual(contentOf(size))
    }),
    { numRuns: 60, seed: 47 },
  )
})

const { descriptor } = await seal(contentOf(10), { thumbnail: contentOf(20) })
const shared = sealSharedBody({ provider: sodium, random: seededRandom(3) }, contentOf(300))
const report = sampleReport(sodium)

/** Everything here that takes bytes from outside; `encode` where what was read can be written again. */
const decoders: Record<string, { decode: (bytes: Uint8Array) => unknown; sample: Uint8Array; encode?: (value: never) => Uint8Array }> = {
  decodeAttachmentDescriptor: { decode: decodeAttachmentDescriptor, sample: encodeAttachmentDescriptor(descriptor), encode: encodeAttachmentDescriptor },
  decodeSharedBodyReference: { decode: decodeSharedBodyReference, sample: encodeSharedBodyReference(shared.reference), encode: encodeSharedBodyReference },
  parseSharedBody: { decode: parseSharedBody, sample: shared.body },
  openSharedBody: {
    decode: (body) => openSharedBody({ provider: sodium }, { reference: shared.reference, headerId: shared.reference.id, body }),
    sample: shared.body,
  },
  decodeFrankingStamp: { decode: decodeFrankingStamp, sample: report.stamp },
  decodeFrankingReport: { decode: decodeFrankingReport, sample: encodeFrankingReport(report), encode: (value: FrankingReport) => encodeFrankingReport(value) },
}

describe.each(Object.entries(decoders))('%s', (_, { decode, sample, encode }) => {
  test('arbitrary and edited bytes give a typed error or what encodes to them, and are left as they were', () => {
    let accepted = 0
    const survives = (bytes: Uint8Array): void => {
      const before = bytes.slice()
      try {
        const value = decode(bytes)
        accepted++
        if (encode) expect(encode(value as never)).toEqual(bytes)
      } catch (error) {
        if (!isSecureChatError(error)) throw error
      }
      expect(bytes).toEqual(before)
    }
    survives(sample)
    expect(accepted).toBe(1)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), survives), { numRuns: 60, seed: 7 })
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 9 }), fc.uint8Array({ maxLength: 9 }), (at, cut, put) => {
        const start = at % (sample.length + 1)
        survives(Uint8Array.from([...sample.subarray(0, start), ...put, ...sample.subarray(start + cut)]))
      }),
      { numRuns: 200, seed: 8 },
    )
  })
})

test('a memory sink takes what it was made for', () => {
  const sink = memorySink(3)
  sink.write(contentOf(3))
  sink.commit()
  expect(sink.bytes()).toEqual(contentOf(3))
})
