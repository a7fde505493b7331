import { isSecureChatError, parseEnvelope } from '@securechat/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createSealer,
  decodeAccountKeys,
  decodeDeviceKeys,
  decodeManifest,
  decodeManifestPin,
  decodePreKey,
  decodeSession,
  encodeAccountKeys,
  encodeDeviceKeys,
  encodeManifestPin,
  encodeSession,
  peekEnvelope,
  requiredPreKeys,
  unpad,
  verifyManifest,
  verifyManifestChain,
} from '../../src/index.js'
import { createWorld, Person } from '../support/people.js'
import { sodium } from '../support/providers.js'

const world = createWorld(sodium)
const alice = new Person(world)
const bob = new Person(world)
const first = alice.write(bob, 'hello', { bundle: bob.bundle() })
bob.read(alice, first)
alice.read(bob, bob.write(alice, 'hi'))
const message = alice.write(bob, 'again')
const pin = encodeManifestPin(verifyManifestChain(sodium, { pinned: null, chain: [alice.manifest.bytes], now: world.now }).pin)
const sealer = createSealer(world.deps(), new Uint8Array(32))

/** Everything that takes bytes from outside, with one well-formed input each. */
const decoders: Record<string, { decode: (bytes: Uint8Array) => unknown; sample: Uint8Array }> = {
  parseEnvelope: { decode: parseEnvelope, sample: first },
  peekEnvelope: { decode: peekEnvelope, sample: first },
  requiredPreKeys: { decode: requiredPreKeys, sample: first },
  'decryptMessage, known session': { decode: (bytes) => bob.tryDecrypt(alice, bytes), sample: message },
  'decryptMessage, first message': { decode: (bytes) => bob.tryDecrypt(alice, bytes), sample: first },
  decodeManifest: { decode: (bytes) => decodeManifest(sodium, bytes), sample: alice.manifest.bytes },
  verifyManifest: { decode: (bytes) => verifyManifest(sodium, bytes), sample: alice.manifest.bytes },
  decodeManifestPin: { decode: (bytes) => decodeManifestPin(sodium, bytes), sample: pin },
  decodePreKey: { decode: decodePreKey, sample: bob.signed.public },
  decodeSession: { decode: decodeSession, sample: encodeSession(bob.record as NonNullable<Person['record']>) },
  decodeAccountKeys: { decode: decodeAccountKeys, sample: encodeAccountKeys(alice.account) },
  decodeDeviceKeys: { decode: decodeDeviceKeys, sample: encodeDeviceKeys(alice.keys) },
  unpad: { decode: unpad, sample: new Uint8Array(256) },
  'sealer.open': { decode: (bytes) => sealer.open(bytes, new Uint8Array(0)), sample: sealer.seal(new Uint8Array(100), new Uint8Array(0)) },
}

/** Cuts, overwrites and inserts, so that the input gets past the first checks. */
const edits = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('overwrite' as const), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  ),
  { minLength: 1, maxLength: 3 },
)
type Edit = typeof edits extends fc.Arbitrary<(infer One)[]> ? One : never

function edited(sample: Uint8Array, changes: readonly Edit[]): Uint8Array {
  let bytes = [...sample]
  for (const { kind, at, bytes: piece } of changes) {
    const index = at % (bytes.length + 1)
    const removed = kind === 'insert' ? 0 : piece.length
    bytes = [...bytes.slice(0, index), ...(kind === 'cut' ? [] : piece), ...bytes.slice(index + removed)]
  }
  return Uint8Array.from(bytes)
}

describe.each(Object.entries(decoders))('%s', (_, { decode, sample }) => {
  const survives = (bytes: Uint8Array): void => {
    const before = bytes.slice()
    try {
      decode(bytes)
    } catch (error) {
      if (!isSecureChatError(error)) throw error
      expect(error.message.length).toBeLessThan(200)
    }
    expect(bytes).toEqual(before)
  }

  test('arbitrary and edited bytes give a value or a typed error, and are left as they were', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), survives), { numRuns: 60, seed: 7 })
    fc.assert(
      fc.property(edits, (changes) => survives(edited(sample, changes))),
      { numRuns: 60, seed: 8 },
    )
  })
})
