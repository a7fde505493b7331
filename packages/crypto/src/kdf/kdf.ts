import { LABELS, SecureChatError, sizeOfTHead, transientBytes, writeField, writeFieldLength, writeTHead } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'

type Hash = Pick<CryptoProvider, 'blake2b'>
const BLOCK = 64
/** Three lengths, the u16 and the u8. */
const FRAMING = 3 * 4 + 2 + 1

/**
 * expand(prk, info, len) = BLAKE2b-512(key = prk, T("SC1/expand", info, u16 len, u8 i)) for i = 1 …, concatenated and cut
 * to `length` bytes (docs/protocol/01-encodings.md, "KDF"). `prk` is 32 or 64 bytes, `info` the bytes of a `T`.
 */
export function expand(provider: Hash, prk: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  if (length < 1 || length > 255 * BLOCK) throw new SecureChatError('client/invalid-argument', { detail: 'kdf length' })
  return expandInto(provider, prk, info, new Uint8Array(length))
}

/** `expand` of `out.length` bytes into memory of the caller's. */
export function expandInto(provider: Hash, prk: Uint8Array, info: Uint8Array, out: Uint8Array): Uint8Array {
  requireKey(prk)
  const input = transientBytes(sizeOfTHead(LABELS.expand) + FRAMING + info.length)
  const size = writeField(input, writeTHead(input, 0, LABELS.expand, 3), info)
  const index = writeFieldLength(input, size, 2) + 2
  input[index - 2] = out.length >>> 8
  input[index - 1] = out.length & 0xff
  const last = writeFieldLength(input, index, 1)
  for (let i = 1, at = 0; at < out.length; i++, at += BLOCK) {
    input[last] = i
    const block = provider.blake2b(BLOCK, input, prk)
    if (out.length - at >= BLOCK) out.set(block, at)
    // Not a view of the block: see `viewOf`.
    else for (let j = 0; at + j < out.length; j++) out[at + j] = block[j]!
  }
  return out
}

/**
 * kdf(salt, ikm, info, len) = expand(BLAKE2b-512(key = salt, ikm), info, len). The salt is 32 or 64 bytes, nothing else.
 * Both roles (salt secret with public input, and the reverse) are used, so BLAKE2b is assumed to be a dual PRF.
 */
export function kdf(provider: Hash, { salt, ikm, info }: { salt: Uint8Array; ikm: Uint8Array; info: Uint8Array }, length: number): Uint8Array {
  requireKey(salt)
  return expand(provider, provider.blake2b(BLOCK, ikm, salt), info, length)
}

function requireKey(key: Uint8Array): void {
  if (key.length !== 32 && key.length !== 64) throw new SecureChatError('crypto/invalid-key', { detail: 'kdf key length' })
}
