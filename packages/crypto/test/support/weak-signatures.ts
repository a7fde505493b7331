import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import type { SiteSigner } from './signature-sites.js'

const { Point } = ed25519
type Point = InstanceType<typeof Point>
const L = Point.Fn.ORDER

const number = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
const littleEndian = (value: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
/** Reduced, as every implementation does before it multiplies: so the torsion part of A is multiplied by the reduced number, too. */
const hash = (...parts: Uint8Array[]): bigint => number(sha512(Uint8Array.from(parts.flatMap((part) => [...part])))) % L
const times = (point: Point, scalar: bigint): Point => (scalar % L === 0n ? Point.ZERO : point.multiply(scalar % L))

const EIGHTH = Point.fromBytes(
  Uint8Array.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'.match(/../g)!, (pair) => Number.parseInt(pair, 16)),
  true,
)
/** The eight points of small order, the identity first. */
const TORSION: readonly Point[] = Array.from({ length: 8 }, (_, i) => Array.from({ length: i }).reduce<Point>((sum) => sum.add(EIGHTH), Point.ZERO))
/** The identity, as p + 1 in the place of 1. */
const NON_CANONICAL_IDENTITY = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xee : i === 31 ? 0x7f : 0xff))

const SECRET = 0x5ecce7n
const NONCE = 0x20ceb1n
const join = (r: Uint8Array, s: bigint): Uint8Array => Uint8Array.from([...r, ...littleEndian(s)])

/** Tries nonces until the torsion parts fit, as an attacker does. */
function search(attempt: (nonce: bigint) => Uint8Array | null): Uint8Array {
  for (let nonce = NONCE; nonce < NONCE + 4_000n; nonce++) {
    const found = attempt(nonce)
    if (found) return found
  }
  throw new Error('no signature of this kind for the message')
}

export interface WeakCase {
  /** Number of the case of ed25519-speccheck that it is made after. */
  readonly number: number
  readonly what: string
  /** The verdict of a lax verifier: with cofactor, any encodings (ZIP 215). Where it is true, only strictness refuses the signature. */
  readonly lax: boolean
  readonly signer: SiteSigner
}

/**
 * The cases of ed25519-speccheck (Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs") for whatever message a site signs: theirs are for fixed
 * messages, which no site of ours would ever hash.
 */
export function weakCases(): WeakCase[] {
  const ordinary = times(Point.BASE, SECRET)
  const mixed = ordinary.add(EIGHTH)
  const weak = (
    number: number,
    what: string,
    lax: boolean,
    key: Point | Uint8Array,
    sign: (message: Uint8Array, publicKey: Uint8Array) => Uint8Array,
  ): WeakCase => {
    const publicKey = key instanceof Uint8Array ? key : key.toBytes()
    return { number, what, lax, signer: { publicKey, sign: (message) => sign(message, publicKey) } }
  }
  /** R = rB + a torsion point, so that S·B = R + kA with `torsion` of A taken into account where `whole`. */
  const mixedNonce = (message: Uint8Array, publicKey: Uint8Array, { secret, whole }: { secret: bigint; whole: boolean }): Uint8Array =>
    search((nonce) => {
      const torsionOfR = TORSION[Number(nonce % 8n)]!
      const r = times(Point.BASE, nonce).add(torsionOfR)
      const k = hash(r.toBytes(), publicKey, message)
      const rest = torsionOfR.add(TORSION[Number(k % 8n)]!)
      const fits = rest.equals(Point.ZERO)
      return fits === whole && !torsionOfR.equals(Point.ZERO) ? join(r.toBytes(), (nonce + k * secret) % L) : null
    })
  const genuine = (message: Uint8Array, publicKey: Uint8Array, add: bigint): Uint8Array => {
    const r = times(Point.BASE, NONCE).toBytes()
    return join(r, ((NONCE + hash(r, publicKey, message) * SECRET) % L) + add)
  }
  return [
    weak(0, 'S = 0, A and R of small order', true, EIGHTH, (message, publicKey) =>
      search((nonce) => {
        const r = TORSION[Number(nonce % 8n)]!
        // The message is fixed; where no R of the eight fits, the other points of order 8 do for the attacker, here the next key.
        const k = hash(r.toBytes(), publicKey, message)
        return r.add(TORSION[Number(k % 8n)]!).equals(Point.ZERO) || nonce > NONCE + 16n ? join(r.toBytes(), 0n) : null
      }),
    ),
    weak(0, 'S = 0, A and R the identity: valid for any message', true, Point.ZERO, () => join(Point.ZERO.toBytes(), 0n)),
    weak(1, 'A of small order, R of mixed order', true, EIGHTH, (message, publicKey) => mixedNonce(message, publicKey, { secret: 0n, whole: true })),
    weak(2, 'A of mixed order, R of small order', true, mixed, (message, publicKey) => {
      for (const r of TORSION) {
        const k = hash(r.toBytes(), publicKey, message)
        if (r.add(TORSION[Number(k % 8n)]!).equals(Point.ZERO)) return join(r.toBytes(), (k * SECRET) % L)
      }
      const r = TORSION[1]!
      return join(r.toBytes(), (hash(r.toBytes(), publicKey, message) * SECRET) % L)
    }),
    weak(4, 'A and R of mixed order, valid with cofactor only', true, mixed, (message, publicKey) =>
      mixedNonce(message, publicKey, { secret: SECRET, whole: false }),
    ),
    weak(5, 'A of mixed order, R of prime order, valid with cofactor only', true, mixed, (message, publicKey) =>
      search((nonce) => {
        const r = times(Point.BASE, nonce).toBytes()
        const k = hash(r, publicKey, message)
        return k % 8n === 0n ? null : join(r, (nonce + k * SECRET) % L)
      }),
    ),
    weak(6, 'S = S + L', false, ordinary, (message, publicKey) => genuine(message, publicKey, L)),
    weak(7, 'S = S + 14 L, above 2^255', false, ordinary, (message, publicKey) => genuine(message, publicKey, 14n * L)),
    weak(8, 'R of small order in another encoding, hashed as it is', true, ordinary, (message, publicKey) =>
      join(NON_CANONICAL_IDENTITY, (hash(NON_CANONICAL_IDENTITY, publicKey, message) * SECRET) % L),
    ),
    weak(9, 'R of small order in another encoding, hashed reduced', false, ordinary, (message, publicKey) =>
      join(NON_CANONICAL_IDENTITY, (hash(Point.ZERO.toBytes(), publicKey, message) * SECRET) % L),
    ),
    weak(10, 'A of small order in another encoding, hashed as it is', true, NON_CANONICAL_IDENTITY, () => join(times(Point.BASE, NONCE).toBytes(), NONCE)),
    weak(11, 'A of small order in another encoding, R the identity', true, NON_CANONICAL_IDENTITY, () => join(Point.ZERO.toBytes(), 0n)),
  ]
}

/** Case 3: A and R of mixed order, valid without cofactor. Accepted by decision, and by every provider alike. */
export function mixedOrderSigner(): SiteSigner {
  const publicKey = times(Point.BASE, SECRET).add(EIGHTH).toBytes()
  return {
    publicKey,
    sign: (message) =>
      search((nonce) => {
        const torsionOfR = TORSION[Number(nonce % 8n)]!
        const r = times(Point.BASE, nonce).add(torsionOfR).toBytes()
        const k = hash(r, publicKey, message)
        const rest = torsionOfR.add(TORSION[Number(k % 8n)]!)
        return rest.equals(Point.ZERO) ? join(r, (nonce + k * SECRET) % L) : null
      }),
  }
}

/** ZIP 215: with cofactor, any encoding. */
export const laxVerify = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean => {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: true })
  } catch {
    return false
  }
}
