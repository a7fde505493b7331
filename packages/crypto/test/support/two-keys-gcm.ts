import { createCipheriv } from 'node:crypto'

interface KeyAndNonce {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
}

const BLOCK = 16
/** x^128 + x^7 + x^2 + x + 1 in the bit order of GCM: the first bit is the coefficient of 1. */
const R = 0xe1n << 120n
const ONE = 1n << 127n

const numberOf = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
const bytesOf = (value: bigint): Uint8Array => Uint8Array.from({ length: BLOCK }, (_, i) => Number((value >> BigInt(8 * (BLOCK - 1 - i))) & 0xffn))

/** NIST SP 800-38D section 6.3. */
function multiply(x: bigint, y: bigint): bigint {
  let [z, v] = [0n, y]
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((x >> bit) & 1n) z ^= v
    v = v & 1n ? (v >> 1n) ^ R : v >> 1n
  }
  return z
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [ONE, base]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(result, square)
    square = multiply(square, square)
  }
  return result
}

const inverse = (value: bigint): bigint => power(value, 2n ** 128n - 2n)

function encryptBlock(key: Uint8Array, block: Uint8Array): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  return numberOf(new Uint8Array(Buffer.concat([cipher.update(block), cipher.final()])))
}

/** What the tag is, under this key, but for the first block of ciphertext: tag = first · H^(m + 1) ⊕ rest. */
function equation({ key, nonce }: KeyAndNonce, blocks: readonly bigint[]) {
  const h = encryptBlock(key, new Uint8Array(BLOCK))
  const mask = encryptBlock(key, Uint8Array.from([...nonce, 0, 0, 0, 1]))
  const lengths = BigInt(8 * BLOCK * blocks.length)
  let hash = 0n
  for (const block of [0n, ...blocks.slice(1), lengths]) hash = multiply(hash ^ block, h)
  return { factor: power(h, BigInt(blocks.length + 1)), rest: hash ^ mask }
}

/**
 * Ciphertext ‖ tag that AES-256-GCM opens under both keys (Dodis, Grubbs, Ristenpart, Woodage 2018, "invisible salamander"): GHASH is linear, so one
 * free block makes two tags equal. `blocks` are the ciphertext's, of which the first is replaced.
 */
export function twoKeyGcmCiphertext([one, two]: readonly [KeyAndNonce, KeyAndNonce], blocks: readonly Uint8Array[]): Uint8Array {
  const numbers = blocks.map(numberOf)
  const [a, b] = [equation(one, numbers), equation(two, numbers)]
  const first = multiply(a.rest ^ b.rest, inverse(a.factor ^ b.factor))
  const tag = multiply(first, a.factor) ^ a.rest
  return Uint8Array.from([first, ...numbers.slice(1), tag].flatMap((number) => [...bytesOf(number)]))
}
