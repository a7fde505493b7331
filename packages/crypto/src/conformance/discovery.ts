import type { Random } from '@securechat/protocol/core'
import { ristretto255_oprf } from '../primitives/curves.js'
import { oprfBlind, oprfEvaluate, oprfFinalize, oprfKeyPair, oprfOutput } from '../primitives/oprf.js'
import { hex, unhex, type VectorCase, type VectorSet } from './case.js'

interface Vector {
  readonly Blind: string
  readonly BlindedElement: string
  readonly EvaluationElement: string
  readonly Input: string
  readonly Output: string
  readonly Info?: string
  readonly Proof?: { readonly proof: string; readonly r: string }
}
interface Suite {
  readonly identifier: string
  readonly mode: number
  readonly seed: string
  readonly keyInfo: string
  readonly skSm: string
  readonly pkSm?: string
  readonly vectors: readonly Vector[]
}

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const little = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)

/** Randomness from which the OPRF library draws exactly this scalar: it takes 48 bytes modulo (order − 1), plus 1. */
function drawOfScalar(scalar: string): () => Uint8Array<ArrayBuffer> {
  const reduced = (((little(unhex(scalar)) - 1n) % (ORDER - 1n)) + ORDER - 1n) % (ORDER - 1n)
  return () => Uint8Array.from({ length: 48 }, (_, i) => Number((reduced >> BigInt(8 * i)) & 255n))
}
const randomOf = (scalar: string): Random => drawOfScalar(scalar) as Random
/** A vector of a batch has its values separated by commas. */
const list = (field: string): Uint8Array[] => field.split(',').map(unhex)
const join = (...lists: readonly (readonly Uint8Array[])[]): string => lists.map((bytes) => bytes.map(hex).join()).join(' ')

/** Verifiable mode, through our wrapper: what client and server compute. */
function verifiable({ seed, keyInfo, skSm, pkSm }: Suite, vector: Vector): Omit<VectorCase<void>, 'id'> {
  const proof = vector.Proof ?? { proof: '', r: '' }
  return {
    expected: [skSm, pkSm, vector.Blind, vector.BlindedElement, vector.EvaluationElement, proof.proof, vector.Output, vector.Output].join(' '),
    run() {
      const keys = oprfKeyPair(unhex(seed), unhex(keyInfo))
      const blinds = vector.Blind.split(',')
      const items = list(vector.Input).map((input, i) => oprfBlind(randomOf(blinds[i]!), input))
      const blinded = items.map((item) => item.blinded)
      const evaluation = oprfEvaluate(randomOf(proof.r), keys, blinded)
      const output = oprfFinalize(keys.publicKey, items, evaluation)
      const direct = items.map(({ input }) => oprfOutput(keys.secretKey, input))
      const blindsUsed = items.map(({ blind }) => blind)
      return join([keys.secretKey], [keys.publicKey], blindsUsed, blinded, evaluation.evaluated, [evaluation.proof], output, direct)
    },
  }
}

/** Base mode, of the library alone: the verifiable one is built upon it. */
function base({ seed, keyInfo, skSm }: Suite, vector: Vector): Omit<VectorCase<void>, 'id'> {
  return {
    expected: [skSm, vector.BlindedElement, vector.EvaluationElement, vector.Output].join(' '),
    run() {
      const { oprf } = ristretto255_oprf
      const { secretKey } = oprf.deriveKeyPair(unhex(seed), unhex(keyInfo))
      const { blind, blinded } = oprf.blind(unhex(vector.Input), drawOfScalar(vector.Blind))
      const evaluated = oprf.blindEvaluate(secretKey, blinded)
      return join([secretKey], [blinded], [evaluated], [oprf.finalize(unhex(vector.Input), blind, evaluated)])
    },
  }
}

const MODES = [base, verifiable]

export const DISCOVERY_VECTORS: readonly VectorSet<void>[] = [
  {
    name: 'RFC 9497, ristretto255-SHA512',
    file: 'rfc9497/allVectors.json',
    plan(data) {
      const suites = data as readonly Suite[]
      const ours = suites.filter(({ identifier }) => identifier === 'ristretto255-SHA512')
      const count = (some: readonly Suite[]): number => some.reduce((sum, { vectors }) => sum + vectors.length, 0)
      return {
        cases: ours.flatMap((suite) => {
          const judge = MODES[suite.mode]
          return judge ? suite.vectors.map((vector, i) => ({ id: `mode ${suite.mode}, vector ${i + 1}`, ...judge(suite, vector) })) : []
        }),
        notApplicable: [
          { count: count(ours.filter(({ mode }) => !MODES[mode])), reason: 'partially oblivious mode: there is no public input' },
          { count: count(suites.filter((suite) => !ours.includes(suite))), reason: 'other groups than ristretto255' },
        ],
      }
    },
  },
]
