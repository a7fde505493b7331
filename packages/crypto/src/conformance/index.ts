import type { CryptoProvider } from '../primitives/provider.js'
import { AGREEMENT_VECTORS } from './agreement.js'
import type { VectorSet } from './case.js'
import { DISCOVERY_VECTORS } from './discovery.js'
import { AEAD_VECTORS } from './encryption.js'
import { SIGNATURE_VECTORS } from './signatures.js'
import { WORD_VECTORS } from './words.js'

export { type NotApplicable, type Outcome, type Probe, runVectors, type VectorCase, type VectorPlan, type VectorResult, type VectorSet } from './case.js'
export { type Comparison, compareChunkCiphers, compareProviders } from './differential.js'
export { CHUNK_CIPHER_VECTORS } from './encryption.js'

/** Public vectors for every `CryptoProvider`, as data: bring your own test runner, and the files where a set names one. */
export const PROVIDER_VECTORS: readonly VectorSet<CryptoProvider>[] = [...SIGNATURE_VECTORS, ...AGREEMENT_VECTORS, ...AEAD_VECTORS]

/** Public vectors of what has one implementation only: contact discovery's OPRF, recovery words. */
export const LIBRARY_VECTORS: readonly VectorSet<void>[] = [...DISCOVERY_VECTORS, ...WORD_VECTORS]
