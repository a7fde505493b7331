import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import type { Random } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { oprfBlind, oprfEvaluate, oprfFinalize, oprfKeyPair, oprfOutput } from '../../src/primitives/oprf.js'
import { drawOfScalar } from '../support/scalars.js'
import { describeVectors, unhex } from '../support/vectors.js'

interface Vector {
  readonly Batch: number
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

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const draw =
  (scalar: string): (() => Uint8Array<ArrayBuffer>) =>
  () =>
    Uint8Array.from(drawOfScalar(unhex(scalar)))
/** A vector of a batch has its values separated by commas. */
const list = (field: string): Uint8Array[] => field.split(',').map(unhex)

describeVectors('RFC 9497, ristretto255-SHA512', 'rfc9497/allVectors.json', (data) => {
  const suites = (data as readonly Suite[]).filter(({ identifier }) => identifier === 'ristretto255-SHA512')
  const mode = (code: number): Suite => suites.find((suite) => suite.mode === code) as Suite

  test(`verifiable mode: ${mode(1).vectors.length} vectors, through our wrapper`, () => {
    const { seed, keyInfo, skSm, pkSm, vectors } = mode(1)
    expect(vectors.map(({ Batch }) => Batch)).toEqual([1, 1, 2])
    const keys = oprfKeyPair(unhex(seed), unhex(keyInfo))
    expect([hex(keys.secretKey), hex(keys.publicKey)]).toEqual([skSm, pkSm])
    for (const vector of vectors) {
      const blinds = vector.Blind.split(',')
      const items = list(vector.Input).map((input, i) => oprfBlind(draw(blinds[i] as string) as Random, input))
      expect(items.map(({ blind }) => hex(blind)).join()).toBe(vector.Blind)
      expect(items.map(({ blinded }) => hex(blinded)).join()).toBe(vector.BlindedElement)
      const evaluation = oprfEvaluate(
        draw(vector.Proof?.r ?? '') as Random,
        keys,
        items.map(({ blinded }) => blinded),
      )
      expect(evaluation.evaluated.map(hex).join()).toBe(vector.EvaluationElement)
      expect(hex(evaluation.proof)).toBe(vector.Proof?.proof)
      expect(oprfFinalize(keys.publicKey, items, evaluation).map(hex).join()).toBe(vector.Output)
      expect(items.map(({ input }) => hex(oprfOutput(keys.secretKey, input))).join()).toBe(vector.Output)
    }
  })

  test(`base mode: ${mode(0).vectors.length} vectors, in the library (we do not use it)`, () => {
    const { seed, keyInfo, skSm, vectors } = mode(0)
    const { oprf } = ristretto255_oprf
    const keys = oprf.deriveKeyPair(unhex(seed), unhex(keyInfo))
    expect(hex(keys.secretKey)).toBe(skSm)
    expect(vectors).toHaveLength(2)
    for (const vector of vectors) {
      const { blind, blinded } = oprf.blind(unhex(vector.Input), draw(vector.Blind))
      expect(hex(blinded)).toBe(vector.BlindedElement)
      const evaluated = oprf.blindEvaluate(keys.secretKey, blinded)
      expect(hex(evaluated)).toBe(vector.EvaluationElement)
      expect(hex(oprf.finalize(unhex(vector.Input), blind, evaluated))).toBe(vector.Output)
    }
  })

  test(`partially oblivious mode: ${mode(2).vectors.length} vectors, in the library (we do not use it)`, () => {
    const { seed, keyInfo, skSm, pkSm, vectors } = mode(2)
    expect(vectors.map(({ Batch }) => Batch)).toEqual([1, 1, 2])
    for (const vector of vectors) {
      const poprf = ristretto255_oprf.poprf(unhex(vector.Info as string))
      const keys = poprf.deriveKeyPair(unhex(seed), unhex(keyInfo))
      expect([hex(keys.secretKey), hex(keys.publicKey)]).toEqual([skSm, pkSm])
      const blinds = vector.Blind.split(',')
      const items = list(vector.Input).map((input, i) => ({ input, ...poprf.blind(input, keys.publicKey, draw(blinds[i] as string)) }))
      expect(items.map(({ blinded }) => hex(blinded)).join()).toBe(vector.BlindedElement)
      const { evaluated, proof } = poprf.blindEvaluateBatch(
        keys.secretKey,
        items.map(({ blinded }) => blinded),
        draw(vector.Proof?.r ?? ''),
      )
      expect(evaluated.map(hex).join()).toBe(vector.EvaluationElement)
      expect(hex(proof)).toBe(vector.Proof?.proof)
      const finalized = poprf.finalizeBatch(
        items.map((item, i) => ({ ...item, evaluated: evaluated[i] as Uint8Array<ArrayBuffer> })),
        proof,
        (items[0] as (typeof items)[number]).tweakedKey,
      )
      expect(finalized.map(hex).join()).toBe(vector.Output)
    }
  })
})
