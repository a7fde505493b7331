import { equalPublicBytes, SecureChatError } from '@securechat/protocol/core'

/** Checks on public values that the libraries make differently; shared, so that the providers cannot disagree. */

export function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new SecureChatError('crypto/invalid-key', { detail: what })
}

/** Where a library cannot write into given memory itself. Throws `crypto/invalid-key` where that is of another length. */
export function placed(result: Uint8Array, into: Uint8Array | undefined): Uint8Array {
  if (!into) return result
  requireLength(into, result.length, 'output length')
  into.set(result)
  return into
}

/** True for an encoding below 2^255 − 19; `signBit` says whether bit 255 is a sign (Ed25519) or must be zero (X25519). */
function isBelowPrime(bytes: Uint8Array, signBit: boolean): boolean {
  const top = signBit ? bytes[31]! & 0x7f : bytes[31]!
  if (top > 0x7f) return false
  if (top < 0x7f) return true
  for (let i = 30; i > 0; i--) if (bytes[i] !== 0xff) return true
  return bytes[0]! < 0xed
}

/** RFC 7748 lets implementations mask the high bit and reduce u; here one key has one encoding. */
export function requireCanonicalX25519(publicKey: Uint8Array): void {
  if (!isBelowPrime(publicKey, false)) throw new SecureChatError('crypto/invalid-key', { detail: 'X25519 public key' })
}

const hexBytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16))

/** y of the eight points of small order on edwards25519 (five values; the sign of x is ignored). */
const SMALL_ORDER_Y = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(hexBytes)

/** True for a canonical encoding that is not of small order; whether it is on the curve is the library's to say. */
export function isStrictEd25519Point(point: Uint8Array): boolean {
  if (!isBelowPrime(point, true)) return false
  const y = Uint8Array.from(point)
  y[31] = y[31]! & 0x7f
  return !SMALL_ORDER_Y.some((small) => equalPublicBytes(small, y))
}

/** Low-order inputs give zero; RFC 7748 section 6.1. Reads every byte whatever it finds. */
export function requireNonZero(sharedSecret: Uint8Array): Uint8Array {
  let sum = 0
  for (const byte of sharedSecret) sum |= byte
  if (sum === 0) throw new SecureChatError('crypto/invalid-key', { detail: 'X25519 low order' })
  return sharedSecret
}

/** FIPS 203 section 7.2, "modulus check": the length, and every 12-bit coefficient of ek below q = 3329. */
export function isMlkem768PublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 1184) return false
  for (let i = 0; i < 1152; i += 3) {
    const middle = publicKey[i + 1]!
    const low = publicKey[i]! | ((middle & 0x0f) << 8)
    const high = (middle >> 4) | (publicKey[i + 2]! << 4)
    if (low >= 3329 || high >= 3329) return false
  }
  return true
}

export function requireMlkemModulus(publicKey: Uint8Array): void {
  if (!isMlkem768PublicKey(publicKey)) throw new SecureChatError('crypto/invalid-key', { detail: 'ML-KEM modulus' })
}
