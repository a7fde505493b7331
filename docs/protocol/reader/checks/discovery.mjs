// 12 Contact discovery.
import { hex, requireEqual, T, utf8 } from '../bytes.mjs'
import { SUITE } from '../keys.mjs'
import { blinded, finalize, keyPair, little, ORDER, proofRandomness, verifyProof } from '../oprf.mjs'
import { expand, kdf } from '../primitives.mjs'

/** How a scalar was drawn: 48 bytes modulo (order − 1), plus 1. */
const scalarOf = (draw) => (little(draw) % (ORDER - 1n)) + 1n

export function* checks(vectors) {
  const { lookups, entry } = vectors
  const [seed, firstBlind, secondBlind, proofDraw, saltDraw] = vectors.draws.values.map(hex)
  const server = keyPair(seed, T('SC1/discovery/key', SUITE))
  const serverKey = hex(vectors.serverKey)
  const input = (number) => T('SC1/discovery/input', utf8(number))
  yield ['server key', () => requireEqual(server.publicKey, serverKey, 'server key')]
  yield [
    'blinding',
    () =>
      lookups.forEach((lookup, i) => {
        const blind = little(hex(lookup.blind))
        requireEqual(String(blind), String(scalarOf([firstBlind, secondBlind][i])), 'blind')
        requireEqual(blinded(input(lookup.number), blind), hex(lookup.blinded), 'blinded element')
      }),
  ]
  yield [
    'proof',
    () => {
      const [blindedElements, evaluated] = [lookups.map((lookup) => hex(lookup.blinded)), lookups.map((lookup) => hex(lookup.evaluated))]
      const scalars = verifyProof(serverKey, { blindedElements, evaluated, proof: hex(vectors.proof) })
      requireEqual(String(proofRandomness(scalars, server.secret)), String(scalarOf(proofDraw)), 'randomness of the proof')
    },
  ]
  const tags = new Map()
  yield [
    'tags',
    () => {
      for (const lookup of lookups) {
        const output = finalize(input(lookup.number), little(hex(lookup.blind)), hex(lookup.evaluated))
        const out = kdf(serverKey, output, T('SC1/discovery/tag', SUITE), 48)
        requireEqual(out.subarray(0, 16), hex(lookup.tag), 'tag')
        requireEqual(out.subarray(16), hex(lookup.maskKey), 'mask key')
        tags.set(lookup.number, out)
      }
    },
  ]
  yield [
    'entry',
    () => {
      const out = tags.get(entry.number)
      requireEqual(out?.subarray(0, 16) ?? null, hex(entry.tag), 'tag')
      requireEqual(hex(entry.salt), saltDraw, 'salt')
      const mask = expand(out.subarray(16), T('SC1/discovery/mask', hex(entry.salt)), 16)
      requireEqual(
        hex(entry.maskedAccount).map((byte, i) => byte ^ mask[i]),
        hex(entry.account),
        'account',
      )
    },
  ]
}
