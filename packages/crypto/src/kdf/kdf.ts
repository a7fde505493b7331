import { LABELS, SecureChatError, transientT, u8, u16 } from '@securechat/protocol'
import type { CryptoProvider } from '../primitives/provider.js'

type Hash = Pick<CryptoProvider, 'blake2b'>
const BLOCK = 64

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
  const size = u16(out.length)
  for (let i = 1, at = 0; at < out.length; i++, at += BLOCK) {
    const block = provider.blake2b(BLOCK, transientT(LABELS.expand, info, size, u8(i)), prk)
    out.set(out.length - at < BLOCK ? block.subarray(0, out.length - at) : block, at)
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
