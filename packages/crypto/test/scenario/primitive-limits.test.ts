import { inspect } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { openCommitting, sealCommitting } from '../../src/aead/committing.js'
import { Secret } from '../../src/index.js'
import { isMlkem768PublicKey, isStrictEd25519Point, requireCanonicalX25519, requireNonZero } from '../../src/primitives/checks.js'
import { OPRF_SIZES, oprfBlind, oprfEvaluate, oprfFinalize, oprfKeyPair, oprfOutput, requireElement } from '../../src/primitives/oprf.js'
import { pooledRandom } from '../../src/primitives/random.js'
import { webCryptoChunkCipher } from '../../src/primitives/webcrypto.js'
import { chunkCiphers } from '../support/attachments.js'
import { codeOf } from '../support/codes.js'
import { bytesOf } from '../support/people.js'
import { noble, providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

// What goes into the primitives, from both sides of each limit, the same for every provider.

let random = seededRandom(21)
beforeEach(() => {
  random = seededRandom(21)
})
const others = (length: number): number[] => [0, length - 1, length + 1]
/** Little-endian, as keys of both curves are: the last byte holds the highest bits. */
const point = (first: number, between: number, last: number): Uint8Array => new Uint8Array(32).map((_, i) => (i === 0 ? first : i === 31 ? last : between))

describe.each(providers)('$name', (provider) => {
  const signing = provider.ed25519KeyPair(new Uint8Array(32).fill(1))
  const kem = provider.mlkem768KeyPair(new Uint8Array(64).fill(2))
  const sent = provider.mlkem768Encapsulate(kem.publicKey, new Uint8Array(32).fill(3))
  const [key, nonce] = [new Uint8Array(32).fill(4), new Uint8Array(24).fill(5)]
  const data = bytesOf('data')
  const sealed = provider.aeadSeal(key, nonce, { data, associatedData: nonce })
  const peer = provider.x25519PublicKey(new Uint8Array(32).fill(6))

  test.each<[string, number, (bytes: Uint8Array) => unknown]>([
    ['Ed25519 seed', 32, (bytes) => provider.ed25519KeyPair(bytes)],
    ['Ed25519 secret key', 64, (bytes) => provider.ed25519Sign(bytes, data)],
    ['X25519 secret key', 32, (bytes) => provider.x25519PublicKey(bytes)],
    ['X25519 secret key of an agreement', 32, (bytes) => provider.x25519(bytes, peer)],
    ['X25519 public key', 32, (bytes) => provider.x25519(key, bytes)],
    ['ML-KEM seed', 64, (bytes) => provider.mlkem768KeyPair(bytes)],
    ['ML-KEM public key', 1184, (bytes) => provider.mlkem768Encapsulate(bytes, key)],
    ['ML-KEM randomness', 32, (bytes) => provider.mlkem768Encapsulate(kem.publicKey, bytes)],
    ['ML-KEM ciphertext', 1088, (bytes) => provider.mlkem768Decapsulate(bytes, kem.secretKey)],
    ['ML-KEM secret key', 2400, (bytes) => provider.mlkem768Decapsulate(sent.ciphertext, bytes)],
    ['AEAD key', 32, (bytes) => provider.aeadSeal(bytes, nonce, { data, associatedData: nonce })],
    ['AEAD nonce', 24, (bytes) => provider.aeadSeal(key, bytes, { data, associatedData: nonce })],
    ['AEAD key to open with', 32, (bytes) => provider.aeadOpen(bytes, nonce, { data: sealed, associatedData: nonce })],
    ['AEAD nonce to open with', 24, (bytes) => provider.aeadOpen(key, bytes, { data: sealed, associatedData: nonce })],
  ])('%s: of its length or refused', (_, length, use) => {
    for (const wrong of others(length)) expect([wrong, codeOf(() => use(new Uint8Array(wrong).fill(9)))]).toEqual([wrong, 'crypto/invalid-key'])
  })

  test('signatures and keys to verify them with are of their length, or do not verify', () => {
    const signature = provider.ed25519Sign(signing.secretKey, data)
    expect(provider.ed25519Verify(signature, data, signing.publicKey)).toBe(true)
    for (const cut of [signature.subarray(0, 63), Uint8Array.of(...signature, 0), new Uint8Array(0)])
      expect(provider.ed25519Verify(cut, data, signing.publicKey)).toBe(false)
    for (const cut of [signing.publicKey.subarray(0, 31), Uint8Array.of(...signing.publicKey, 0), new Uint8Array(0)])
      expect(provider.ed25519Verify(signature, data, cut)).toBe(false)
  })

  test('what is too short for its tag, or changed, is not authentic, whatever its size', () => {
    for (const length of [0, 1, 15, 16, 4095, 4096, 4097]) {
      const message = { data: new Uint8Array(length), associatedData: nonce }
      expect([length, codeOf(() => provider.aeadOpen(key, nonce, message))]).toEqual([length, 'crypto/authentication-failed'])
    }
    const large = random(5000)
    for (const message of [
      { data: new Uint8Array(0), associatedData: new Uint8Array(0) },
      { data: large, associatedData: nonce },
      { data, associatedData: large },
    ]) {
      const whole = provider.aeadSeal(key, nonce, message)
      const open = (changed: Uint8Array, associatedData = message.associatedData) => provider.aeadOpen(key, nonce, { data: changed, associatedData })
      expect(Buffer.compare(open(whole), message.data)).toBe(0)
      whole[whole.length - 1]! ^= 1
      expect(codeOf(() => open(whole))).toBe('crypto/authentication-failed')
    }
  })

  test('hashes what is short and what is long alike, with a key, with an empty one or without', () => {
    for (const length of [0, 1, 128, 4095, 4096, 4097, 9000])
      for (const hashKey of [undefined, new Uint8Array(1).fill(1), key, new Uint8Array(64).fill(7)])
        for (const size of [1, 32, 64]) {
          const message = new Uint8Array(length).fill(8)
          const [one, other] =
            hashKey === undefined
              ? [provider.blake2b(size, message), noble.blake2b(size, message)]
              : [provider.blake2b(size, message, hashKey), noble.blake2b(size, message, hashKey)]
          expect(Buffer.compare(one, other)).toBe(0)
        }
  })

  test('compares every byte, and arrays of different lengths are different', () => {
    const bytes = random(33)
    expect(provider.equal(bytes, bytes.slice())).toBe(true)
    for (let at = 0; at < bytes.length; at++)
      expect(
        provider.equal(
          bytes,
          bytes.map((byte, i) => (i === at ? byte ^ 0x80 : byte)),
        ),
      ).toBe(false)
    expect(provider.equal(bytes, bytes.subarray(0, 32))).toBe(false)
    expect(provider.equal(bytes.subarray(0, 32), bytes)).toBe(false)
    expect(provider.equal(new Uint8Array(0), new Uint8Array(0))).toBe(true)
  })

  test('a secret KEM key whose hash of the public one is wrong is refused', () => {
    expect(Buffer.compare(provider.mlkem768Decapsulate(sent.ciphertext, kem.secretKey), sent.sharedSecret)).toBe(0)
    for (const at of [1152, 2335, 2336, 2367]) {
      const changed = kem.secretKey.map((byte, i) => (i === at ? byte ^ 1 : byte))
      expect(codeOf(() => provider.mlkem768Decapsulate(sent.ciphertext, changed))).toBe('crypto/invalid-key')
    }
  })
})

describe('checks of public values', () => {
  // p = 2^255 − 19 is ed ff … ff 7f.
  const below = [point(0xec, 0xff, 0x7f), point(0xeb, 0xff, 0x7f), point(0xff, 0xfe, 0x7f), point(0xff, 0xff, 0x7e), point(9, 0, 0), point(9, 0, 0x7f)]
  const notBelow = [point(0xed, 0xff, 0x7f), point(0xee, 0xff, 0x7f), point(0xff, 0xff, 0x7f)]
  const onlyAt = (at: number): Uint8Array => point(0xff, 0xff, 0x7f).map((byte, i) => (i === at ? 0xfe : byte))

  test('an X25519 key has one encoding: below p, and without the highest bit', () => {
    const code = (bytes: Uint8Array) => () => codeOf(() => requireCanonicalX25519(bytes))
    for (const bytes of [...below, onlyAt(1), onlyAt(30)]) expect(() => requireCanonicalX25519(bytes)).not.toThrow()
    for (const bytes of notBelow) expect(code(bytes)()).toBe('crypto/invalid-key')
    for (const bytes of [point(9, 0, 0x80), point(9, 0, 0xff), point(0xeb, 0xff, 0xff)]) expect(code(bytes)()).toBe('crypto/invalid-key')
  })

  test('an Ed25519 point has one encoding for each sign, and is not of small order', () => {
    const signed = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 31 ? byte | 0x80 : byte))
    const small = [
      point(0, 0, 0),
      point(1, 0, 0),
      point(0xec, 0xff, 0x7f),
      Uint8Array.from(Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex')),
      Uint8Array.from(Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex')),
    ]
    for (const bytes of [...small, ...notBelow]) for (const one of [bytes, signed(bytes)]) expect(isStrictEd25519Point(one)).toBe(false)
    for (const bytes of [...below.slice(1), onlyAt(1), onlyAt(30)]) for (const one of [bytes, signed(bytes)]) expect(isStrictEd25519Point(one)).toBe(true)
  })

  test('a shared secret of zeros is refused, and no other', () => {
    expect(codeOf(() => requireNonZero(new Uint8Array(32)))).toBe('crypto/invalid-key')
    for (let at = 0; at < 32; at++) {
      const shared = new Uint8Array(32)
      shared[at] = 1 << (at % 8)
      expect(requireNonZero(shared)).toBe(shared)
    }
  })

  test('every coefficient of a KEM key is below q = 3,329', () => {
    const withCoefficient = (index: number, value: number): Uint8Array => {
      const bytes = new Uint8Array(1184)
      const at = (index >> 1) * 3
      if (index % 2 === 0) bytes.set([value & 0xff, value >> 8], at)
      else bytes.set([(value & 0x0f) << 4, value >> 4], at + 1)
      return bytes
    }
    for (const index of [0, 1, 2, 3, 382, 383, 766, 767]) {
      expect(isMlkem768PublicKey(withCoefficient(index, 3328))).toBe(true)
      for (const value of [3329, 3330, 4095]) expect(isMlkem768PublicKey(withCoefficient(index, value))).toBe(false)
    }
    for (const length of others(1184)) expect(isMlkem768PublicKey(new Uint8Array(length))).toBe(false)
    // What follows the coefficients is a seed, in which everything goes.
    expect(isMlkem768PublicKey(new Uint8Array(1184).fill(0xff, 1152))).toBe(true)
  })
})

describe('pooled random', () => {
  test('up to a quarter of the pool comes out of it, and more from the source itself', () => {
    const asked: number[] = []
    const pooled = pooledRandom((length) => {
      asked.push(length)
      return random(length)
    }, 1024)
    expect([pooled(257), pooled(256), pooled(0), pooled(256), pooled(256), pooled(256), pooled(1)].map(({ length }) => length)).toEqual([
      257, 256, 0, 256, 256, 256, 1,
    ])
    expect(asked).toEqual([257, 1024, 1024])
  })

  test('what was handed out is erased from the pool, and nothing else', () => {
    const block = new Uint8Array(1024).fill(0xaa)
    const pooled = pooledRandom(() => block, 1024)
    pooled(32)
    pooled(16)
    expect(block).toEqual(new Uint8Array(1024).fill(0xaa).fill(0, 0, 48))
  })
})

describe.each(chunkCiphers)('chunks with $name', (cipher) => {
  test('keys and nonces are of their length, a changed chunk is not authentic, and the key is a copy', async () => {
    const code = (action: () => Promise<unknown>): Promise<string> =>
      action().then(
        () => 'nothing',
        (error: { code?: string }) => error.code ?? String(error),
      )
    for (const length of [...others(32), 16, 24]) expect(await code(() => cipher.importKey(new Uint8Array(length)))).toBe('crypto/invalid-key')
    const bytes = new Uint8Array(32).fill(1)
    const key = await cipher.importKey(bytes)
    bytes.fill(0)
    const nonce = new Uint8Array(12).fill(2)
    const sealed = await key.seal(nonce, bytesOf('chunk'))
    expect(sealed).toHaveLength(5 + 16)
    expect(Buffer.from(await (await cipher.importKey(new Uint8Array(32).fill(1))).open(nonce, sealed)).toString()).toBe('chunk')
    for (const length of others(12)) {
      expect(await code(() => key.seal(new Uint8Array(length), sealed))).toBe('crypto/invalid-key')
      expect(await code(() => key.open(new Uint8Array(length), sealed))).toBe('crypto/invalid-key')
    }
    for (const changed of [sealed.map((byte, i) => (i === 20 ? byte ^ 1 : byte)), sealed.subarray(0, 20), new Uint8Array(0)])
      expect(await code(() => key.open(nonce, changed))).toBe('crypto/authentication-failed')
  })
})

test('without WebCrypto the platform’s cipher says so', () => {
  expect(codeOf(() => webCryptoChunkCipher(null as never))).toBe('client/invalid-argument')
})

describe('oblivious evaluation', () => {
  const pair = oprfKeyPair(new Uint8Array(32).fill(1), bytesOf('info'))
  const inputs = ['one', 'two'].map(bytesOf)
  const items = inputs.map((input) => oprfBlind(seededRandom(4), input))
  const blinded = items.map((item) => item.blinded)
  const evaluation = oprfEvaluate(seededRandom(5), pair, blinded)
  const identity = new Uint8Array(OPRF_SIZES.element)
  const none = new Uint8Array(OPRF_SIZES.element).fill(0xff)

  test('gives what the key’s owner computes, and the batch has one proof', () => {
    expect(oprfFinalize(pair.publicKey, items, evaluation)).toEqual(inputs.map((input) => oprfOutput(pair.secretKey, input)))
    expect(evaluation.proof).toHaveLength(OPRF_SIZES.proof)
  })

  test('seeds, elements and proofs are of their length', () => {
    for (const length of others(32)) expect(codeOf(() => oprfKeyPair(new Uint8Array(length), bytesOf('info')))).toBe('crypto/invalid-key')
    for (const bad of [identity, none, identity.subarray(1), new Uint8Array(33)]) {
      expect(codeOf(() => requireElement(bad))).toBe('crypto/invalid-key')
      expect(codeOf(() => oprfEvaluate(seededRandom(5), pair, [blinded[0]!, bad]))).toBe('crypto/invalid-key')
      expect(codeOf(() => oprfFinalize(bad, items, evaluation))).toBe('crypto/invalid-key')
      expect(codeOf(() => oprfFinalize(pair.publicKey, items, { ...evaluation, evaluated: [evaluation.evaluated[0]!, bad] }))).toBe('crypto/invalid-key')
    }
    for (const length of others(OPRF_SIZES.proof))
      expect(codeOf(() => oprfFinalize(pair.publicKey, items, { ...evaluation, proof: new Uint8Array(length) }))).toBe('crypto/invalid-signature')
  })

  test('the proof is of these elements in this order, and of this key', () => {
    const [first, second] = evaluation.evaluated as [Uint8Array, Uint8Array]
    for (const evaluated of [[], [first], [second, first], [first, second, second]])
      expect(codeOf(() => oprfFinalize(pair.publicKey, items, { ...evaluation, evaluated }))).toBe('crypto/invalid-signature')
    const stranger = oprfKeyPair(new Uint8Array(32).fill(2), bytesOf('info'))
    expect(codeOf(() => oprfFinalize(stranger.publicKey, items, evaluation))).toBe('crypto/invalid-signature')
    expect(codeOf(() => oprfFinalize(pair.publicKey, items, { ...evaluation, proof: evaluation.proof.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) }))).toBe(
      'crypto/invalid-signature',
    )
  })
})

test('a secret keeps the very array, and prints as none', () => {
  const bytes = random(32)
  const secret = new Secret(bytes)
  expect(secret.expose()).toBe(bytes)
  expect([`${secret}`, JSON.stringify(secret), sodium.equal(secret.expose(), bytes)]).toEqual(['[secret]', '"[secret]"', true])
  expect([inspect(secret), inspect({ key: [secret] })]).toEqual(['[secret]', '{ key: [ [secret] ] }'])
})

test('the keys of a message are erased once it is sealed or opened, and where it was refused', () => {
  const seen: Uint8Array[] = []
  const watched =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Result, count: number) =>
    (...args: Args): Result => {
      seen.push(...(args.slice(0, count) as Uint8Array[]))
      return call(...args)
    }
  const watching = {
    ...sodium,
    aeadSeal: watched(sodium.aeadSeal, 2),
    aeadOpen: watched(sodium.aeadOpen, 2),
    equal: watched(sodium.equal, 1),
  }
  const [messageKey, ad] = [new Secret(random(32)), bytesOf('header')]
  const sealed = sealCommitting(watching, messageKey, { ad, plaintext: bytesOf('text') })
  expect(seen).toHaveLength(2)
  expect(Buffer.from(openCommitting(watching, messageKey, { ad, ...sealed })).toString()).toBe('text')
  const refused = [{ keyCommitment: new Uint8Array(32) }, { ciphertext: sealed.ciphertext.map((byte) => byte ^ 1) }]
  for (const changes of refused) expect(codeOf(() => openCommitting(watching, messageKey, { ad, ...sealed, ...changes }))).toBe('crypto/authentication-failed')
  expect(seen).toHaveLength(2 + 3 + 1 + 3)
  for (const bytes of seen) expect(bytes.every((byte) => byte === 0)).toBe(true)
})
