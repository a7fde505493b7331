import { createHash } from 'node:crypto'
import { isSecureChatError } from '@securechat/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { noble, node, sodium } from '../support/providers.js'
import { unhex } from '../support/vectors.js'

/** libsodium decides; the others must say the same about every input. */
const others = [noble, node]
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const any = fc.uint8Array({ maxLength: 400 })
const runs = { numRuns: 25, seed: 42 }

/** The result as text, or the code that it failed with. */
function outcome(run: () => Uint8Array | boolean): string {
  try {
    const result = run()
    return typeof result === 'boolean' ? String(result) : Buffer.from(result).toString('hex')
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
}

function agree(run: (provider: typeof sodium) => Uint8Array | boolean): string {
  const verdict = outcome(() => run(sodium))
  for (const provider of others)
    expect(
      outcome(() => run(provider)),
      provider.name,
    ).toBe(verdict)
  return verdict
}

describe('libsodium, noble and node agree', () => {
  test('BLAKE2b with and without a key', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 64 }), fc.option(fc.uint8Array({ minLength: 1, maxLength: 64 })), (message, length, key) => {
        expect(agree((p) => p.blake2b(length, message, key ?? undefined))).toHaveLength(length * 2)
      }),
      runs,
    )
  })

  test('Ed25519: keys, signatures, verdicts on changed and on made-up input', () => {
    fc.assert(
      fc.property(bytes(32), any, fc.nat(63), fc.nat(7), (seed, message, at, bit) => {
        const pair = sodium.ed25519KeyPair(seed)
        agree((p) => p.ed25519KeyPair(seed).publicKey)
        agree((p) => p.ed25519Sign(pair.secretKey, message))
        const signature = sodium.ed25519Sign(pair.secretKey, message)
        expect(agree((p) => p.ed25519Verify(signature, message, pair.publicKey))).toBe('true')
        const changed = signature.slice()
        changed[at] = (changed[at] as number) ^ (1 << bit)
        expect(agree((p) => p.ed25519Verify(changed, message, pair.publicKey))).toBe('false')
        expect(agree((p) => p.ed25519Verify(signature, message, seed))).toBe('false')
      }),
      runs,
    )
  })

  test('X25519 on arbitrary keys', () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), (secret, peer) => {
        agree((p) => p.x25519PublicKey(secret))
        agree((p) => p.x25519(secret, peer))
      }),
      runs,
    )
  })

  test('ML-KEM-768: keys, ciphertexts, secrets, implicit rejection', () => {
    fc.assert(
      fc.property(bytes(64), bytes(32), fc.nat(1087), (seed, randomness, at) => {
        const pair = sodium.mlkem768KeyPair(seed)
        agree((p) => p.mlkem768KeyPair(seed).publicKey)
        agree((p) => p.mlkem768KeyPair(seed).secretKey)
        agree((p) => p.mlkem768Encapsulate(pair.publicKey, randomness).ciphertext)
        const { ciphertext, sharedSecret } = sodium.mlkem768Encapsulate(pair.publicKey, randomness)
        expect(agree((p) => p.mlkem768Decapsulate(ciphertext, pair.secretKey))).toBe(Buffer.from(sharedSecret).toString('hex'))
        const changed = ciphertext.slice()
        changed[at] = (changed[at] as number) ^ 1
        agree((p) => p.mlkem768Decapsulate(changed, pair.secretKey))
      }),
      { ...runs, numRuns: 10 },
    )
  })

  test('XChaCha20-Poly1305, opened and refused', () => {
    fc.assert(
      fc.property(bytes(32), bytes(24), any, any, (key, nonce, data, associatedData) => {
        agree((p) => p.aeadSeal(key, nonce, { data, associatedData }))
        const sealed = sodium.aeadSeal(key, nonce, { data, associatedData })
        expect(agree((p) => p.aeadOpen(key, nonce, { data: sealed, associatedData }))).toBe(Buffer.from(data).toString('hex'))
        expect(agree((p) => p.aeadOpen(key, nonce, { data: sealed.subarray(1), associatedData }))).toBe('crypto/authentication-failed')
        expect(agree((p) => p.aeadOpen(key, nonce, { data: data.subarray(0, 15), associatedData }))).toBe('crypto/authentication-failed')
      }),
      runs,
    )
  })
})

test('attack 07: a key or an R of small order verifies nothing, with every provider', () => {
  const littleEndian = (input: Uint8Array): bigint => BigInt(`0x${Buffer.from(input).reverse().toString('hex')}`)
  const sha512 = (...parts: Uint8Array[]): Uint8Array => createHash('sha512').update(Buffer.concat(parts)).digest()
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const neutral = unhex('01'.padEnd(64, '0'))
  // y of the eight points of small order, with the sign of x that libsodium lists.
  const smallOrder = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ].map(unhex)
  // S = 0 and R neutral satisfy the equation for every message whose k is a multiple of the key's order.
  const signature = new Uint8Array(64)
  signature.set(neutral)
  for (const key of smallOrder)
    for (let i = 0; i < 16; i++)
      expect(
        agree((p) => p.ed25519Verify(signature, Uint8Array.of(i), key)),
        `message ${i}`,
      ).toBe('false')

  // An owner who leaves the nonce out: R neutral, S = k·a satisfies it too.
  const seed = new Uint8Array(32).fill(7)
  const { publicKey } = sodium.ed25519KeyPair(seed)
  const a = (littleEndian(sha512(seed).subarray(0, 32)) & (2n ** 254n - 8n)) | (2n ** 254n)
  const message = Uint8Array.of(1)
  const s = (littleEndian(sha512(neutral, publicKey, message)) * a) % order
  signature.set(Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(), 32)
  expect(agree((p) => p.ed25519Verify(signature, message, publicKey))).toBe('false')
})

test('wrong lengths are typed errors (or false), with every provider', () => {
  for (const length of [0, 1, 31, 33, 63, 65]) {
    const wrong = new Uint8Array(length)
    expect(agree((p) => p.ed25519KeyPair(wrong).publicKey)).toBe('crypto/invalid-key')
    expect(agree((p) => p.ed25519Sign(wrong, wrong))).toBe('crypto/invalid-key')
    expect(agree((p) => p.x25519PublicKey(wrong))).toBe('crypto/invalid-key')
    expect(agree((p) => p.x25519(new Uint8Array(32).fill(9), wrong))).toBe('crypto/invalid-key')
    expect(agree((p) => p.ed25519Verify(wrong, wrong, new Uint8Array(32)))).toBe('false')
    expect(agree((p) => p.mlkem768KeyPair(wrong).publicKey)).toBe('crypto/invalid-key')
    expect(agree((p) => p.mlkem768Encapsulate(wrong, new Uint8Array(32)).ciphertext)).toBe('crypto/invalid-key')
    expect(agree((p) => p.mlkem768Decapsulate(wrong, new Uint8Array(2400)))).toBe('crypto/invalid-key')
    expect(agree((p) => p.aeadSeal(wrong, new Uint8Array(24), { data: wrong, associatedData: wrong }))).toBe('crypto/invalid-key')
    expect(agree((p) => p.equal(wrong, new Uint8Array(32)))).toBe('false')
  }
})
