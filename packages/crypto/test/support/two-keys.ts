import { xchacha20 } from '@noble/ciphers/chacha.js'

interface KeyAndNonce {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
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

interface Around {
  readonly associatedData: Uint8Array
  /** Ciphertext that is wanted in front of the two blocks. */
  readonly prefix: Uint8Array
}

/** RFC 8439 section 2.8: what Poly1305 adds up besides the last two ciphertext blocks, divided by r², and s. */
function equation({ key, nonce }: KeyAndNonce, { associatedData, prefix }: Around): { r: bigint; s: bigint; rest: bigint } {
  const oneTimeKey = xchacha20(key, nonce, new Uint8Array(32))
  const r = number(oneTimeKey.subarray(0, 16)) & CLAMP
  let sum = 0n
  for (const part of [associatedData, prefix]) for (let at = 0; at < part.length; at += 16) sum = mod((sum + WORD + number(part.subarray(at, at + 16))) * r)
  const lengths = WORD + BigInt(associatedData.length) + (BigInt(prefix.length + 32) << 64n)
  // ((sum + c1)·r + c2)·r + lengths)·r, over r²: sum·r + c1·r + c2 + lengths/r.
  return { r, s: number(oneTimeKey.subarray(16)), rest: mod(sum * r + lengths * inverse(r)) }
}

/**
 * 32 bytes of ciphertext and a tag that XChaCha20-Poly1305 accepts under both keys (Dodis et al., "Fast Message Franking"):
 * Poly1305 is linear, so two blocks solve two equations. `associatedData` and `prefix` in whole blocks of 16.
 */
export function twoKeyCiphertext(
  [one, two]: readonly [KeyAndNonce, KeyAndNonce],
  associatedData: Uint8Array,
  prefix: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const around = { associatedData, prefix }
  const [a, b] = [equation(one, around), equation(two, around)]
  for (let tag = 0n; tag < 10_000n; tag++) {
    const wanted = ({ r, s, rest }: typeof a): bigint => mod((((tag - s) % WORD) + WORD) * inverse(r * r) - rest)
    const first = mod((wanted(a) - wanted(b)) * inverse(a.r - b.r))
    const second = mod(wanted(a) - first * a.r)
    // Poly1305 puts a bit above each full block.
    if (first >= WORD && first < 2n * WORD && second >= WORD && second < 2n * WORD)
      return Uint8Array.from([...prefix, ...bytes16(first - WORD), ...bytes16(second - WORD), ...bytes16(tag)])
  }
  throw new Error('no tag fits')
}
