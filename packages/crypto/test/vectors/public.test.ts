import { describe, expect, test } from 'vitest'
import { CHUNK_CIPHER_VECTORS, LIBRARY_VECTORS, PROVIDER_VECTORS, runVectors, type VectorSet } from '../../src/conformance/index.js'
import type { CryptoProvider } from '../../src/index.js'
import { chunkCiphers } from '../support/attachments.js'
import { noble, providers, sodium } from '../support/providers.js'
import { describeVectors } from '../support/vectors.js'

/** Everything that a set says, through each implementation. */
function describeSet<Subject>(set: VectorSet<Subject>, subjects: readonly { readonly name: string; readonly subject: Subject }[]): void {
  const define = (data?: unknown): void => {
    const plan = set.plan(data)
    test.each(subjects)(`${set.name}: ${plan.cases.length} cases through $name`, async ({ subject }) => {
      expect(plan.cases.length).toBeGreaterThan(0)
      expect(await runVectors(plan, subject)).toEqual({ passed: plan.cases.length, failures: [] })
    })
  }
  if (set.file === undefined) describe(set.name, () => define())
  else describeVectors(set.name, set.file, define)
}

const named = <Subject extends { readonly name: string }>(subjects: readonly Subject[]) => subjects.map((subject) => ({ name: subject.name, subject }))

for (const set of PROVIDER_VECTORS) describeSet(set, named(providers))
for (const set of CHUNK_CIPHER_VECTORS) describeSet(set, named(chunkCiphers))
for (const set of LIBRARY_VECTORS) describeSet(set, [{ name: 'the library', subject: undefined }])

/** Wrong in its last byte, or in its verdict. */
function broken(provider: CryptoProvider): CryptoProvider {
  const wrong = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))
  return {
    ...provider,
    blake2b: (...input) => wrong(provider.blake2b(...input)),
    ed25519Verify: (...input) => !provider.ed25519Verify(...input),
    x25519: (...input) => wrong(provider.x25519(...input)),
    mlkem768KeyPair: (seed) => ({ ...provider.mlkem768KeyPair(seed), secretKey: new Uint8Array(2400) }),
    mlkem768Decapsulate: (...input) => wrong(provider.mlkem768Decapsulate(...input)),
    mlkem768Encapsulate: (...input) => ({ ...provider.mlkem768Encapsulate(...input), sharedSecret: new Uint8Array(32) }),
    aeadSeal: (...input) => wrong(provider.aeadSeal(...input)),
  }
}

describe('a provider that computes wrongly', () => {
  const define = (set: VectorSet<CryptoProvider>) => (data?: unknown) =>
    test('is noticed', async () => {
      const { passed, failures } = await runVectors(set.plan(data), broken(sodium))
      expect(failures.length).toBeGreaterThan(0)
      expect(passed + failures.length).toBe(set.plan(data).cases.length)
    })
  for (const set of PROVIDER_VECTORS) {
    if (set.file === undefined) describe(set.name, () => void define(set)())
    else describeVectors(set.name, set.file, define(set))
  }

  test('an exception that is not typed is a failure of its case, and ends nothing', async () => {
    const throwing = {
      ...noble,
      ed25519Verify: () => {
        throw new TypeError('not a verdict')
      },
    }
    const plan = PROVIDER_VECTORS[0]!.plan()
    const { passed, failures } = await runVectors(plan, throwing)
    expect(passed).toBe(3)
    expect(failures).toEqual(expect.arrayContaining(['test 1: verdict: untyped TypeError: not a verdict, not true']))
  })
})
