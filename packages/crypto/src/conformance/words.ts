import { parseRecoveryWords, recoveryWords } from '../recovery/words.js'
import { Secret } from '../secret.js'
import { unhex, type VectorCase, type VectorSet } from './case.js'

type Vector = readonly [entropy: string, words: string, seed: string, extendedKey: string]

const ENTROPY_DIGITS = 64
const REFUSED = 'client/invalid-argument'

/** 24 English words are read and written; 12 and 18 are too few, and other languages are not read. */
function casesOf(language: string, [entropy, words]: Vector, index: number): VectorCase<void>[] {
  const id = `${language} ${index + 1}`
  const ours = language === 'english' && entropy.length === ENTROPY_DIGITS
  const read = { id: `${id}, read`, expected: ours ? entropy : REFUSED, run: () => parseRecoveryWords(words).expose() }
  const write = () => recoveryWords(new Secret(unhex(entropy))).join(' ')
  if (language !== 'english') return [read]
  return [read, { id: `${id}, written`, expected: ours ? words : 'crypto/invalid-key', run: write }]
}

export const WORD_VECTORS: readonly VectorSet<void>[] = [
  {
    name: 'BIP39',
    file: 'bip39/vectors.json',
    plan(data) {
      const languages = Object.entries(data as Record<string, readonly Vector[]>)
      const vectors = languages.reduce((sum, [, some]) => sum + some.length, 0)
      return {
        cases: languages.flatMap(([language, some]) => some.flatMap((vector, i) => casesOf(language, vector, i))),
        notApplicable: [{ count: 2 * vectors, reason: 'seed (PBKDF2) and extended key of a vector: keys come from the entropy' }],
      }
    },
  },
]
