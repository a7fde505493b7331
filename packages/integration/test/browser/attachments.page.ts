import { webCryptoChunkCipher, writableSink } from '@securechat/crypto/attachment'
import {
  type AttachmentConformanceResult,
  type AttachmentVectors,
  type ConformanceFile,
  runAttachmentConformance,
} from '@securechat/crypto/attachment/conformance'
import { nobleChunkCipher } from '@securechat/crypto/noble'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { systemRandom } from '@securechat/protocol'

/** What the test can call in the page. */
export interface AttachmentKit {
  run(cipher: 'webcrypto' | 'noble', vectors: AttachmentVectors): Promise<AttachmentConformanceResult[]>
}

let files = 0
/** A file in the browser's own file system: what is written to it shows only when the stream is closed. */
async function newFile(): Promise<ConformanceFile> {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(`case-${++files}`, { create: true })
  const name = 'attachment'
  const handle = await folder.getFileHandle(name, { create: true })
  const stream = await handle.createWritable()
  return {
    // A write has settled when the browser has the bytes.
    sink: writableSink({ getWriter: () => stream.getWriter() as WritableStreamDefaultWriter<Uint8Array> }, { borrows: true }),
    async read() {
      const file = await (await folder.getFileHandle(name)).getFile()
      return file.size === 0 ? null : new Uint8Array(await file.arrayBuffer())
    },
  }
}

const kit: AttachmentKit = {
  run: async (cipher, vectors) =>
    runAttachmentConformance(['web-streams'], {
      provider: await sodiumProvider(),
      cipher: cipher === 'noble' ? nobleChunkCipher() : webCryptoChunkCipher(),
      random: systemRandom,
      newFile,
      vectors,
    }),
}

Object.assign(globalThis, { attachments: kit })
