// 12 Contact discovery: RFC 9497, verifiable mode, over the ristretto255 group of @noble/curves.
import { createHash } from 'node:crypto'
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { concat, refuse, uint, utf8 } from './bytes.mjs'

const { Point } = ristretto255
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const CONTEXT = concat(utf8('OPRFV1-'), uint(1, 1), utf8('-ristretto255-SHA512'))
const sha512 = (...parts) =>
  new Uint8Array(
    createHash('sha512')
      .update(concat(...parts))
      .digest(),
  )
const sized = (bytes) => concat(uint(2, bytes.length), bytes)
export const little = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
const mod = (n) => ((n % ORDER) + ORDER) % ORDER

function inverse(n) {
  let [result, base] = [1n, mod(n)]
  for (let exponent = ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = mod(result * base)
    base = mod(base * base)
  }
  return result
}

/** RFC 9380 section 5.3.1, for 64 bytes of SHA-512. */
function expandMessage(message, dst) {
  const tail = concat(dst, uint(1, dst.length))
  const first = sha512(new Uint8Array(128), message, uint(2, 64), uint(1, 0), tail)
  return sha512(first, uint(1, 1), tail)
}
const hashToScalar = (message, prefix = utf8('HashToScalar-')) => mod(little(expandMessage(message, concat(prefix, CONTEXT))))
const hashToGroup = (input) => ristretto255_hasher.hashToCurve(input, { DST: concat(utf8('HashToGroup-'), CONTEXT) })

/** Refuses the identity and what is no element. */
export function element(bytes) {
  const point = Point.fromBytes(bytes)
  if (point.equals(Point.ZERO)) refuse('identity')
  return point
}
const times = (point, scalar) => (scalar === 0n ? Point.ZERO : point.multiply(scalar))

export function keyPair(seed, info) {
  const secret = hashToScalar(concat(seed, sized(info), uint(1, 0)), utf8('DeriveKeyPair'))
  return { secret, publicKey: Point.BASE.multiply(secret).toBytes() }
}
export const blinded = (input, blind) => hashToGroup(input).multiply(blind).toBytes()
export const finalize = (input, blind, evaluated) => sha512(sized(input), sized(element(evaluated).multiply(inverse(blind)).toBytes()), utf8('Finalize'))

/** Gives the proof's two scalars. */
export function verifyProof(publicKey, { blindedElements, evaluated, proof }) {
  const [c, s] = [little(proof.subarray(0, 32)), little(proof.subarray(32))]
  if (proof.length !== 64 || c >= ORDER || s >= ORDER) refuse('proof')
  const key = element(publicKey)
  const seed = sha512(sized(publicKey), sized(concat(utf8('Seed-'), CONTEXT)))
  let [m, z] = [Point.ZERO, Point.ZERO]
  blindedElements.forEach((one, i) => {
    const weight = hashToScalar(concat(sized(seed), uint(2, i), sized(one), sized(evaluated[i]), utf8('Composite')))
    m = m.add(times(element(one), weight))
    z = z.add(times(element(evaluated[i]), weight))
  })
  const t2 = times(Point.BASE, s).add(times(key, c))
  const t3 = times(m, s).add(times(z, c))
  const challenge = hashToScalar(concat(...[publicKey, m.toBytes(), z.toBytes(), t2.toBytes(), t3.toBytes()].map(sized), utf8('Challenge')))
  if (challenge !== c) refuse('proof')
  return { c, s }
}
/** The proof's random scalar, for who knows the key. */
export const proofRandomness = ({ c, s }, secret) => mod(s + c * secret)
