import { createCipheriv } from 'node:crypto'
import { type CryptoProvider, expand } from '@securechat/crypto'
import { LABELS, type Label, T } from '@securechat/protocol'

// What an attacker computes by itself: from docs/protocol alone, and with none of the functions that it attacks.

/** mk ‖ CK' of a chain key, pairwise (`chain`) or of a group (`senderKeyChain`). */
export function stepped(provider: CryptoProvider, chainKey: Uint8Array, label: Label): { readonly messageKey: Uint8Array; readonly chainKey: Uint8Array } {
  const out = provider.blake2b(64, T(label), chainKey)
  return { messageKey: out.slice(0, 32), chainKey: out.slice(32) }
}

export interface MessageSecrets {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly commitment: Uint8Array
  readonly adHash: Uint8Array
}

/** docs/protocol/04-ratchet.md, "Message keys". */
export function messageSecrets(provider: CryptoProvider, messageKey: Uint8Array, ad: Uint8Array): MessageSecrets {
  const adHash = provider.blake2b(64, ad)
  const out = expand(provider, messageKey, T(LABELS.message, adHash), 88)
  return { key: out.slice(0, 32), nonce: out.slice(32, 56), commitment: out.slice(56), adHash }
}

const P = 2n ** 130n - 5n
const WORD = 2n ** 128n
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn
const number = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
const bytes16 = (value: bigint): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
const mod = (value: bigint): bigint => ((value % P) + P) % P

function inverse(value: bigint): bigint {
  let [result, base] = [1n, mod(value)]
  for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = mod(result * base)
    base = mod(base * base)
  }
  return result
}

/** ChaCha20's first block; `start` is counter and nonce, 16 bytes (RFC 8439, section 2.3). */
const block = (key: Uint8Array, start: Uint8Array): Buffer => createCipheriv('chacha20', key, start).update(Buffer.alloc(64))

/** The first 32 bytes of XChaCha20, Poly1305's key. HChaCha20 is the block function without the last addition, which is taken back here. */
function oneTimeKey(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const start = nonce.subarray(0, 16)
  const added = block(key, start)
  const subkey = Buffer.alloc(32)
  const constants = Buffer.from('expand 32-byte k')
  for (let word = 0; word < 4; word++) {
    subkey.writeUInt32LE((added.readUInt32LE(4 * word) - constants.readUInt32LE(4 * word)) >>> 0, 4 * word)
    subkey.writeUInt32LE((added.readUInt32LE(48 + 4 * word) - Buffer.from(start).readUInt32LE(4 * word)) >>> 0, 16 + 4 * word)
  }
  return block(subkey, Buffer.concat([Buffer.alloc(8), nonce.subarray(16)])).subarray(0, 32)
}

/** RFC 8439, section 2.8: what Poly1305 adds up besides the last two blocks of ciphertext, over r², and s. */
function equation({ key, nonce, adHash }: MessageSecrets, prefix: Uint8Array): { r: bigint; s: bigint; rest: bigint } {
  const secret = oneTimeKey(key, nonce)
  const r = number(secret.subarray(0, 16)) & CLAMP
  let sum = 0n
  for (const part of [adHash, prefix]) for (let at = 0; at < part.length; at += 16) sum = mod((sum + WORD + number(part.subarray(at, at + 16))) * r)
  const lengths = WORD + BigInt(adHash.length) + (BigInt(prefix.length + 32) << 64n)
  return { r, s: number(secret.subarray(16)), rest: mod(sum * r + lengths * inverse(r)) }
}

/**
 * Ciphertext and tag that XChaCha20-Poly1305 opens under both keys, each with its own associated data (Dodis et al. 2018, "invisible salamander"): Poly1305 is
 * linear, so two blocks solve two equations. It begins with `prefix`, whole blocks of 16; 32 bytes of whatever comes out follow.
 */
export function twoKeyCiphertext([one, two]: readonly [MessageSecrets, MessageSecrets], prefix: Uint8Array): Uint8Array {
  const [a, b] = [equation(one, prefix), equation(two, prefix)]
  for (let tag = 0n; tag < 10_000n; tag++) {
    const wanted = ({ r, s, rest }: typeof a): bigint => mod((((tag - s) % WORD) + WORD) * inverse(r * r) - rest)
    const first = mod((wanted(a) - wanted(b)) * inverse(a.r - b.r))
    const second = mod(wanted(a) - first * a.r)
    if (first >= WORD && first < 2n * WORD && second >= WORD && second < 2n * WORD)
      return Uint8Array.from([...prefix, ...bytes16(first - WORD), ...bytes16(second - WORD), ...bytes16(tag)])
  }
  throw new Error('no tag fits')
}
