import { concatBytes } from '@securechat/protocol/core'
import { decryptAttachment } from '../decrypt.js'
import {
  type AttachmentConformanceCase,
  type AttachmentConformanceContext,
  CASE_CHUNK_BITS,
  check,
  codeOf,
  contentOf,
  equalBytes,
  partsOf,
  type SealedContent,
  sealContent,
} from './context.js'

const CHUNK = 2 ** CASE_CHUNK_BITS
/** Five chunks, the last one padded. */
const SIZE = 4 * CHUNK + 10

/** Every changed container is refused, and no file is left; the unchanged one is there, which shows that the file would have been seen. */
async function refused(context: AttachmentConformanceContext, sealed: SealedContent, changed: readonly (readonly [string, Uint8Array])[]): Promise<void> {
  check(changed.length > 0, 'nothing to refuse')
  for (const [what, from] of changed) {
    const file = await context.newFile()
    const code = await codeOf(decryptAttachment(context, { descriptor: sealed.descriptor, from, to: file.sink }))
    check(code === 'crypto/authentication-failed', `${what}: ${code}`)
    check((await file.read()) === null, `${what}: a file was left`)
  }
  const file = await context.newFile()
  await decryptAttachment(context, { descriptor: sealed.descriptor, from: sealed.container, to: file.sink })
  equalBytes(await file.read(), contentOf(SIZE), 'unchanged')
}

const indices = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

export const fileCases: readonly AttachmentConformanceCase[] = [
  {
    name: 'attack 44: cut at every chunk boundary, inside every chunk and in the header: error, no partial file',
    async run(context) {
      const sealed = await sealContent(context, contentOf(SIZE))
      const { header, chunks } = partsOf(sealed)
      const boundaries = indices(chunks.length).map((count) => header.length + chunks.slice(0, count).reduce((sum, chunk) => sum + chunk.length, 0))
      const ends = [0, 1, header.length - 1, ...boundaries, ...boundaries.map((end) => end + 17), sealed.container.length - 1]
      await refused(
        context,
        sealed,
        ends.map((end) => [`cut at ${end}`, sealed.container.subarray(0, end)]),
      )
    },
  },
  {
    name: 'attack 44: chunks reordered, left out or repeated: error, no partial file',
    async run(context) {
      const sealed = await sealContent(context, contentOf(SIZE))
      const { header, chunks } = partsOf(sealed)
      const join = (order: readonly number[]): Uint8Array => concatBytes(header, ...order.map((index) => chunks[index]!))
      const all = indices(chunks.length)
      const orders = [
        ...all.flatMap((a) => all.filter((b) => b > a).map((b) => all.map((i) => (i === a ? b : i === b ? a : i)))),
        ...all.map((gone) => all.filter((i) => i !== gone)),
        ...all.map((twice) => all.flatMap((i) => (i === twice ? [i, i] : [i]))),
        ...all.slice(1).map((twice) => all.map((i) => (i === twice ? i - 1 : i))),
      ]
      await refused(
        context,
        sealed,
        orders.map((order) => [`order ${order}`, join(order)]),
      )
    },
  },
  {
    name: 'attack 44: chunks and headers swapped with another container of the same size: error, no partial file',
    async run(context) {
      const sealed = await sealContent(context, contentOf(SIZE))
      const other = await sealContent(context, contentOf(SIZE))
      const [mine, theirs] = [partsOf(sealed), partsOf(other)]
      const swapped = indices(mine.chunks.length).map(
        (at) => [`chunk ${at}`, concatBytes(mine.header, ...mine.chunks.map((chunk, i) => (i === at ? theirs.chunks[i]! : chunk)))] as const,
      )
      await refused(context, sealed, [
        ...swapped,
        ['header', concatBytes(theirs.header, ...mine.chunks)],
        ['all but the header', concatBytes(mine.header, ...theirs.chunks)],
        ['all', other.container],
      ])
    },
  },
  {
    name: 'attack 44: bytes after the end, or a bit changed in the header, a chunk or a tag: error, no partial file',
    async run(context) {
      const sealed = await sealContent(context, contentOf(SIZE))
      const { header, chunks } = partsOf(sealed)
      const flipped = (at: number): Uint8Array => sealed.container.map((byte, i) => (i === at ? byte ^ 1 : byte))
      const starts = indices(chunks.length).map((count) => header.length + chunks.slice(0, count).reduce((sum, chunk) => sum + chunk.length, 0))
      const places = [3, header.length - 1, ...starts, ...starts.slice(1).map((start) => start - 1), sealed.container.length - 1]
      await refused(context, sealed, [
        ['one byte more', concatBytes(sealed.container, Uint8Array.of(0))],
        ['one chunk more', concatBytes(sealed.container, chunks[0]!)],
        ...places.map((at) => [`bit at ${at}`, flipped(at)] as const),
      ])
    },
  },
  {
    name: 'cancelled half way: request/aborted, no partial file',
    async run(context) {
      const sealed = await sealContent(context, contentOf(SIZE))
      const file = await context.newFile()
      const controller = new AbortController()
      const work = decryptAttachment(context, {
        descriptor: sealed.descriptor,
        from: sealed.container,
        to: file.sink,
        lanes: 1,
        signal: controller.signal,
        onProgress: (done) => done >= 2 * CHUNK && controller.abort(),
      })
      check((await codeOf(work)) === 'request/aborted', 'another code')
      check((await file.read()) === null, 'a file was left')
    },
  },
]
