import type { Random } from '@securechat/protocol'
import {
  type AttachmentDescriptor,
  type ByteSource,
  type ChunkCipher,
  decryptAttachment,
  type EncryptAttachmentInput,
  encryptAttachment,
  memorySink,
  webCryptoChunkCipher,
} from '../../src/attachment/index.js'
import type { CryptoProvider } from '../../src/index.js'
import { nobleChunkCipher } from '../../src/noble/index.js'
import { nodeChunkCipher } from '../../src/node/index.js'
import { sodium } from './providers.js'
import { seededRandom } from './random.js'

export const chunkCiphers: readonly ChunkCipher[] = [webCryptoChunkCipher(), nobleChunkCipher(), nodeChunkCipher()]
/** 1 KiB chunks: several of them fit in a test. */
export const SMALL = 10
export const MEDIA_TYPE = 'application/octet-stream'
/** Header: version, suite, chunk bits, commitment. */
export const HEADER = 35
export const TAG = 16

export interface Sealed {
  readonly descriptor: AttachmentDescriptor
  readonly container: Uint8Array
}

type SealOptions = Partial<EncryptAttachmentInput> & { readonly random?: Random; readonly cipher?: ChunkCipher; readonly provider?: CryptoProvider }

export async function seal(
  content: ByteSource,
  { random = seededRandom(44), cipher = webCryptoChunkCipher(), provider = sodium, ...options }: SealOptions = {},
): Promise<Sealed> {
  const to = memorySink(1 << 26)
  const descriptor = await encryptAttachment({ provider, cipher, random }, { content, to, mediaType: MEDIA_TYPE, chunkBits: SMALL, ...options })
  return { descriptor, container: to.bytes() }
}

export async function unseal(descriptor: AttachmentDescriptor, from: ByteSource, cipher = webCryptoChunkCipher()): Promise<Uint8Array> {
  const to = memorySink(1 << 26)
  await decryptAttachment({ provider: sodium, cipher }, { descriptor, from, to })
  return to.bytes()
}

/** Bytes that tell their place. */
export const contentOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff)

/** Pieces of the given lengths, in turn, to the end. */
export function* inPieces(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] as number
    yield bytes.slice(at, at + length)
    at += length
  }
}
