import { equalPublicBytes, LABELS, SecureChatError, T, writeU32 } from '@securechat/protocol/core'
import { expand } from '../kdf/kdf.js'
import { CHUNK_CIPHER_SIZES, type ChunkCipher, type ChunkKey } from '../primitives/chunk-cipher.js'
import type { CryptoProvider } from '../primitives/provider.js'
import type { Secret } from '../secret.js'
import { COMMITMENT_BYTES, HEADER_BYTES, parameterBytes } from './layout.js'

/** `cipher` from `webCryptoChunkCipher` or `nobleChunkCipher`. */
export interface AttachmentDeps {
  readonly provider: Pick<CryptoProvider, 'blake2b' | 'equal'>
  readonly cipher: ChunkCipher
}

const PREFIX_BYTES = 7
const KEY_BYTES = CHUNK_CIPHER_SIZES.key

export interface AttachmentKeys {
  readonly chunkKey: ChunkKey
  readonly noncePrefix: Uint8Array
  /** Version, suite, chunk bits and commitment: what the container begins with. */
  readonly header: Uint8Array
}

interface KeyInput {
  readonly key: Secret
  readonly chunkBits: number
}

function derive({ provider }: Pick<AttachmentDeps, 'provider'>, { key, chunkBits }: KeyInput) {
  const parameters = parameterBytes(chunkBits)
  const out = expand(provider, key.expose(), T(LABELS.attachment, parameters), KEY_BYTES + PREFIX_BYTES + COMMITMENT_BYTES)
  const header = new Uint8Array(HEADER_BYTES)
  header.set(parameters)
  header.set(out.subarray(KEY_BYTES + PREFIX_BYTES), parameters.length)
  return { rawKey: out.subarray(0, KEY_BYTES), noncePrefix: out.subarray(KEY_BYTES, KEY_BYTES + PREFIX_BYTES), header }
}

/** key 32 ‖ nonce prefix 7 ‖ commitment 32 = expand(K, T("SC1/att", version, suite, chunk bits), 71). */
export async function attachmentKeys(deps: AttachmentDeps, input: KeyInput): Promise<AttachmentKeys> {
  const { rawKey, noncePrefix, header } = derive(deps, input)
  const chunkKey = await deps.cipher.importKey(rawKey)
  rawKey.fill(0)
  return { chunkKey, noncePrefix, header }
}

/**
 * The keys for a container that begins with `header`. AES-GCM alone lets one ciphertext open under two keys, so nothing is
 * decrypted before the commitment was compared, in constant time. Throws `crypto/authentication-failed` and `protocol/unsupported-version`.
 */
export async function openHeader(deps: AttachmentDeps, input: KeyInput & { readonly header: Uint8Array }): Promise<AttachmentKeys> {
  const keys = derive(deps, input)
  requireParameters(input.header, input.chunkBits)
  if (!deps.provider.equal(keys.header, input.header)) throw new SecureChatError('crypto/authentication-failed', { detail: 'attachment commitment' })
  const chunkKey = await deps.cipher.importKey(keys.rawKey)
  keys.rawKey.fill(0)
  return { chunkKey, noncePrefix: keys.noncePrefix, header: keys.header }
}

function requireParameters(header: Uint8Array, chunkBits: number): void {
  const expected = parameterBytes(chunkBits)
  if (header.length !== HEADER_BYTES) throw new SecureChatError('crypto/authentication-failed', { detail: 'attachment truncated' })
  if (!equalPublicBytes(header.subarray(0, 2), expected.subarray(0, 2))) throw new SecureChatError('protocol/unsupported-version', { detail: 'attachment' })
}

/** Nonce of STREAM: prefix 7 ‖ u32 counter ‖ u8 1 in the last chunk, else 0 (Hoang, Reyhanitabar, Rogaway, Vizár 2015). */
export function chunkNonce(prefix: Uint8Array, index: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(CHUNK_CIPHER_SIZES.nonce)
  nonce.set(prefix)
  writeU32(nonce, PREFIX_BYTES, index)
  nonce[11] = last ? 1 : 0
  return nonce
}
