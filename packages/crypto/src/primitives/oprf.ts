import { type Random, SecureChatError } from '@securechat/protocol/core'
import { ristretto255, ristretto255_oprf } from './curves.js'
import type { RawKeyPair } from './provider.js'

/** RFC 9497, ristretto255-SHA512, verifiable mode; elements and scalars are 32 bytes, proofs 64, outputs 64. */
const { voprf } = ristretto255_oprf
/** Section 3.3.1, the server's own evaluation: in the library, but not in its declarations; the vectors of the RFC check it. */
const { evaluate } = voprf as unknown as { evaluate(secretKey: Uint8Array, input: Uint8Array): Uint8Array }

export const OPRF_SIZES = { scalar: 32, element: 32, proof: 64, output: 64 } as const

export interface BlindedInput {
  readonly input: Uint8Array
  /** Secret scalar. */
  readonly blind: Uint8Array
  readonly blinded: Uint8Array
}
export interface Evaluation {
  /** In the order of the blinded elements. */
  readonly evaluated: readonly Uint8Array[]
  /** One for the whole batch. */
  readonly proof: Uint8Array
}

/** Refuses what is no canonical encoding of a group element, and the identity (RFC 9497, section 3.3). Throws `crypto/invalid-key`. */
export function requireElement(bytes: Uint8Array): void {
  let element: InstanceType<typeof ristretto255.Point>
  try {
    element = ristretto255.Point.fromBytes(bytes)
  } catch (cause) {
    throw new SecureChatError('crypto/invalid-key', { detail: 'group element', cause })
  }
  if (element.equals(ristretto255.Point.ZERO)) throw new SecureChatError('crypto/invalid-key', { detail: 'identity element' })
}

function requireLength(bytes: Uint8Array, length: number, detail: string): void {
  if (bytes.length !== length) throw new SecureChatError('crypto/invalid-key', { detail })
}

/** Section 3.2.1. `seed` is 32 bytes. */
export function oprfKeyPair(seed: Uint8Array, info: Uint8Array): RawKeyPair {
  requireLength(seed, 32, 'OPRF seed')
  return voprf.deriveKeyPair(seed, info)
}

export function oprfBlind(random: Random, input: Uint8Array): BlindedInput {
  const { blind, blinded } = voprf.blind(input, (length = 0) => random(length) as Uint8Array<ArrayBuffer>)
  return { input, blind, blinded }
}

/** Throws `crypto/invalid-key` for an element that is none, before anything is computed with the secret key. */
export function oprfEvaluate(random: Random, { secretKey, publicKey }: RawKeyPair, blinded: readonly Uint8Array[]): Evaluation {
  for (const element of blinded) requireElement(element)
  return voprf.blindEvaluateBatch(secretKey, publicKey, [...blinded], (length = 0) => random(length) as Uint8Array<ArrayBuffer>)
}

/** Throws `crypto/invalid-key` for an element that is none, `crypto/invalid-signature` where the proof is not of this key and these elements. */
export function oprfFinalize(publicKey: Uint8Array, items: readonly BlindedInput[], { evaluated, proof }: Evaluation): Uint8Array[] {
  const invalid = (cause?: unknown): never => {
    throw new SecureChatError('crypto/invalid-signature', { detail: 'evaluation proof', cause })
  }
  if (evaluated.length !== items.length) invalid()
  for (const element of [publicKey, ...evaluated]) requireElement(element)
  try {
    return voprf.finalizeBatch(
      items.map((item, i) => ({ ...item, evaluated: evaluated[i] as Uint8Array })),
      publicKey,
      proof,
    )
  } catch (cause) {
    return invalid(cause)
  }
}

/** The same output without blinding, by who has the key. */
export const oprfOutput = (secretKey: Uint8Array, input: Uint8Array): Uint8Array => evaluate(secretKey, input)
