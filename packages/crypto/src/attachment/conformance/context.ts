import { equalPublicBytes, isSecureChatError, type Random } from '@securechat/protocol/core'
import { Secret } from '../../secret.js'
import { decryptAttachment } from '../decrypt.js'
import type { AttachmentDescriptor } from '../descriptor.js'
import { encryptAttachment } from '../encrypt.js'
import type { AttachmentDeps } from '../keys.js'
import { HEADER_BYTES, layoutOf, placeOf } from '../layout.js'
import { type ByteSink, memorySink } from '../sink.js'
import type { ByteSource } from '../source.js'

/** What a runtime is tried with. */
export interface AttachmentConformanceContext extends AttachmentDeps {
  readonly random: Random
  /** A place of the runtime for one real file, empty each time: a path, an entry of the browser's file system. */
  newFile(): Promise<ConformanceFile> | ConformanceFile
  /** The parsed docs/protocol/vectors/attachments.json. */
  readonly vectors: AttachmentVectors
}

export interface ConformanceFile {
  readonly sink: ByteSink
  /** What is there now, null for no file at all. */
  read(): Promise<Uint8Array | null>
}

/** Bytes are hexadecimal text; content byte i is (31·i + ⌊i / 256⌋) mod 256. */
export interface AttachmentVectors {
  readonly containers: readonly {
    readonly chunkBits: number
    readonly size: number
    readonly key: string
    readonly commitment: string
    readonly chunkKey: string
    readonly noncePrefix: string
    readonly containerBytes: number
    /** BLAKE2b-256 of the container where it is too long to be shown. */
    readonly container?: string
    readonly containerBlake2b: string
    readonly ciphertextHash: string
    readonly mediaType: string
    readonly thumbnail: string
    readonly descriptor: string
  }[]
}

/** `web-streams`: the runtime has ReadableStream and WritableStream. */
export type AttachmentCapability = 'web-streams'

export interface AttachmentConformanceCase {
  readonly name: string
  /** Absent: core, every runtime must pass it. */
  readonly requires?: AttachmentCapability
  run(context: AttachmentConformanceContext): Promise<void>
}

/** 1 KiB chunks, so that a few KiB are several of them. */
export const CASE_CHUNK_BITS = 10

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

export function equalBytes(actual: Uint8Array | null, expected: Uint8Array, what: string): void {
  check(actual !== null && equalPublicBytes(actual, expected), `${what}: other bytes`)
}

/** The error's code; fails where there is none, or an untyped one. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
  throw new Error('expected a typed error, but it succeeded')
}

export const contentOf = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (31 * i + (i >> 8)) & 0xff)

export interface SealedContent {
  readonly descriptor: AttachmentDescriptor
  readonly container: Uint8Array
}

export async function sealContent(context: AttachmentConformanceContext, content: ByteSource, chunkBits = CASE_CHUNK_BITS): Promise<SealedContent> {
  const to = memorySink(1 << 26)
  const descriptor = await encryptAttachment(context, { content, to, mediaType: 'application/octet-stream', chunkBits })
  return { descriptor, container: to.bytes() }
}

export async function openContent(context: AttachmentConformanceContext, descriptor: AttachmentDescriptor, from: ByteSource): Promise<Uint8Array> {
  const to = memorySink(1 << 26)
  await decryptAttachment(context, { descriptor, from, to })
  return to.bytes()
}

export const withKey = (descriptor: AttachmentDescriptor, key: Uint8Array): AttachmentDescriptor => ({ ...descriptor, key: new Secret(key) })

/** The header, then every chunk with its tag. */
export function partsOf({ descriptor, container }: SealedContent): { readonly header: Uint8Array; readonly chunks: readonly Uint8Array[] } {
  const layout = layoutOf(descriptor)
  const chunks = Array.from({ length: layout.chunks }, (_, index) => {
    const { at, sealedBytes } = placeOf(layout, index)
    return container.subarray(at, at + sealedBytes)
  })
  return { header: container.subarray(0, HEADER_BYTES), chunks }
}
