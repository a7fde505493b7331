import { LABELS, T, u64 } from '@securechat/protocol/core'
import { ByteWriter } from '../encoding/writer.js'
import { CHUNK_CIPHER_SIZES } from '../primitives/chunk-cipher.js'
import type { CryptoProvider } from '../primitives/provider.js'
import type { Layout } from './layout.js'

type Hash = Pick<CryptoProvider, 'blake2b'>
const ROOT_BYTES = 32

/** Collects the SHA-256 of each chunk in order; two levels, so that chunks are hashed side by side and by the platform. */
export class LeafList {
  readonly #bytes = new ByteWriter(8 * CHUNK_CIPHER_SIZES.hash)

  add(leaf: Uint8Array): void {
    this.#bytes.bytes(leaf)
  }
  joined(): Uint8Array {
    return this.#bytes.finish()
  }
}

/**
 * BLAKE2b-256 T("SC1/att/ct", header, u64 container bytes, leaves): what a store without keys can check too. With the key it fixes the content,
 * so there is no second hash over that (docs/adr/0016).
 */
export const ciphertextHash = (provider: Hash, { header, layout, leaves }: { header: Uint8Array; layout: Layout; leaves: LeafList }): Uint8Array =>
  provider.blake2b(ROOT_BYTES, T(LABELS.attachmentCiphertext, header, u64(layout.container), leaves.joined()))
