import { webCryptoChunkCipher } from '@securechat/crypto/attachment'
import { type Comparison, compareChunkCiphers, compareProviders } from '@securechat/crypto/conformance'
import { nobleChunkCipher, nobleProvider } from '@securechat/crypto/noble'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { type NamedResult, runSet, type Through, VECTOR_SETS } from '../../src/vector-sets.js'

/** What the test can call in the page. */
export interface VectorKit {
  /** One set, through everything that a browser has. */
  run(through: Through, name: string, data: unknown): Promise<NamedResult[]>
  compare(seed: number, rounds: number): Promise<{ readonly providers: Comparison; readonly ciphers: Comparison }>
}

const providers = async () => [await sodiumProvider(), nobleProvider()] as const
const ciphers = () => [webCryptoChunkCipher(), nobleChunkCipher()] as const
const named = <Subject extends { readonly name: string }>(subjects: readonly Subject[]) => subjects.map((subject) => ({ name: subject.name, subject }))

function byName<Set extends { readonly name: string }>(sets: readonly Set[], name: string): Set {
  const set = sets.find((one) => one.name === name)
  if (!set) throw new Error(`no set is called ${name}`)
  return set
}

const kit: VectorKit = {
  async run(through, name, data) {
    if (through === 'provider') return runSet(byName(VECTOR_SETS.provider, name), data, named(await providers()))
    if (through === 'chunk cipher') return runSet(byName(VECTOR_SETS['chunk cipher'], name), data, named(ciphers()))
    return runSet(byName(VECTOR_SETS.library, name), data, [{ name: 'library', subject: undefined }])
  },
  compare: async (seed, rounds) => ({
    providers: await compareProviders(await providers(), { seed, rounds }),
    ciphers: await compareChunkCiphers(ciphers(), { seed, rounds }),
  }),
}

Object.assign(globalThis, { vectors: kit })
