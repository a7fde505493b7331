import {
  CHUNK_CIPHER_VECTORS,
  LIBRARY_VECTORS,
  PROVIDER_VECTORS,
  runVectors,
  type VectorPlan,
  type VectorResult,
  type VectorSet,
} from '@securechat/crypto/conformance'
import { decodeValue, encodeValue } from '@securechat/protocol'

/** Runs in Node and in a page: nothing of a platform may come in here. */

type MessagePackForm = { readonly msgpack: readonly string[]; readonly number?: number; readonly [kind: string]: unknown }

const unhex = (text: string): Uint8Array => Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16))
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** The one form of a value that is read: the shortest; a float of 8 bytes where it is no integer, else never; no extension, nothing beyond 2^53. */
function canonicalForm({ msgpack, ...entry }: MessagePackForm): string | undefined {
  if ('timestamp' in entry || 'ext' in entry || ('bignum' in entry && !('number' in entry))) return undefined
  const refused = entry.number === undefined || Number.isInteger(entry.number) ? /^c[abf]/ : /^ca/
  return msgpack.filter((form) => !refused.test(form)).sort((a, b) => a.length - b.length)[0]
}

const MESSAGE_PACK: VectorSet<void> = {
  name: 'msgpack test suite',
  file: 'msgpack/msgpack-test-suite.json',
  plan: (data) => ({
    cases: Object.entries(data as Record<string, readonly MessagePackForm[]>).flatMap(([part, entries]) =>
      entries.flatMap((entry, i) => {
        const canonical = canonicalForm(entry)
        return entry.msgpack.map((form) => ({
          id: `${part} ${i + 1}: ${form}`,
          expected: form === canonical ? hex(unhex(form)) : 'protocol/malformed',
          run: () => encodeValue(decodeValue(unhex(form))),
        }))
      }),
    ),
    notApplicable: [],
  }),
}

/** Each set with what it goes through. */
export const VECTOR_SETS = {
  provider: PROVIDER_VECTORS,
  'chunk cipher': CHUNK_CIPHER_VECTORS,
  library: [...LIBRARY_VECTORS, MESSAGE_PACK],
} as const

export type Through = keyof typeof VECTOR_SETS

/** The implementations that each place has, by their names; one of `library` is all there is. */
export const IMPLEMENTATIONS: Record<Through, { readonly node: readonly string[]; readonly chromium: readonly string[] }> = {
  provider: { node: ['libsodium', 'noble', 'node'], chromium: ['libsodium', 'noble'] },
  'chunk cipher': { node: ['webcrypto', 'noble', 'node'], chromium: ['webcrypto', 'noble'] },
  library: { node: ['library'], chromium: ['library'] },
}

export interface NamedResult extends VectorResult {
  readonly set: string
  readonly implementation: string
}

/** One set through each of the subjects. */
export async function runSet<Subject>(
  set: VectorSet<Subject>,
  data: unknown,
  subjects: readonly { readonly name: string; readonly subject: Subject }[],
): Promise<NamedResult[]> {
  const plan: VectorPlan<Subject> = set.plan(data)
  const results: NamedResult[] = []
  for (const { name, subject } of subjects) results.push({ set: set.name, implementation: name, ...(await runVectors(plan, subject)) })
  return results
}
