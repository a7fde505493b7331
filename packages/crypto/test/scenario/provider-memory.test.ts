import libsodium from 'libsodium-wrappers'
import { describe, expect, test } from 'vitest'
import { sealCommitting, sealCommittingInto } from '../../src/aead/committing.js'
import { Secret } from '../../src/index.js'
import { sodiumFastPaths } from '../../src/primitives/sodium-memory.js'
import { reservePlaces } from '../../src/primitives/sodium-places.js'
import { codeOf } from '../support/codes.js'
import { bytesOf } from '../support/people.js'
import { node, providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const random = seededRandom(11)
const [key, nonce] = [random(32), random(24)]

describe.each(providers)('sealing into given memory, $name', (provider) => {
  // 4,096 is where libsodium's wrappers take over.
  test.each([0, 1, 64, 4095, 4096, 4097])('%i bytes in place: the same ciphertext, and nothing around it is touched', (length) => {
    const data = random(length)
    const associatedData = random(20)
    const expected = provider.aeadSeal(key, nonce, { data, associatedData })
    const memory = new Uint8Array(length + 16 + 2).fill(0xaa)
    memory.set(data, 1)
    const into = memory.subarray(1, 1 + length + 16)
    expect(provider.aeadSeal(key, nonce, { data: memory.subarray(1, 1 + length), associatedData, into })).toBe(into)
    expect(Buffer.from(into).equals(expected)).toBe(true)
    expect([memory[0], memory.at(-1)]).toEqual([0xaa, 0xaa])
    expect(Buffer.from(provider.aeadOpen(key, nonce, { data: into, associatedData })).equals(data)).toBe(true)
  })

  test('memory of another length is refused', () => {
    for (const length of [17, 19]) {
      const into = new Uint8Array(length)
      expect(codeOf(() => provider.aeadSeal(key, nonce, { data: new Uint8Array(2), associatedData: nonce, into }))).toBe('crypto/invalid-key')
      expect(into).toEqual(new Uint8Array(length))
    }
  })

  test('a committing seal in place is the one that is made from a copy', () => {
    const message = { ad: bytesOf('header'), plaintext: random(300) }
    const { keyCommitment, ciphertext } = sealCommitting(provider, new Secret(key), message)
    const sealed = new Uint8Array([...new Uint8Array(32), ...message.plaintext, ...new Uint8Array(16)])
    sealCommittingInto(provider, new Secret(key), { ad: message.ad, sealed })
    expect(Buffer.from(sealed).equals(Buffer.concat([keyCommitment, ciphertext]))).toBe(true)
  })
})

test("what was secret is wiped from the places in libsodium's memory", () => {
  const heap = () => Buffer.from((libsodium as unknown as { libsodium: { HEAPU8: Uint8Array } }).libsodium.HEAPU8.slice().buffer)
  const plaintext = random(512)
  const sealed = sodium.aeadSeal(key, nonce, { data: plaintext, associatedData: nonce })
  const digest = sodium.blake2b(64, plaintext, key)
  const shared = sodium.x25519(key, sodium.x25519PublicKey(random(32)))
  for (const secret of [plaintext.subarray(100, 400), digest, shared]) expect(heap().includes(Buffer.from(secret))).toBe(false)
  expect(Buffer.from(sodium.aeadOpen(key, nonce, { data: sealed, associatedData: nonce })).equals(plaintext)).toBe(true)
  expect(heap().includes(Buffer.from(plaintext.subarray(100, 400)))).toBe(false)
})

test('node: an array whose bytes have changed is another key, not the one that was imported from it', () => {
  const [first, second, peer] = [random(32), random(32), sodium.x25519PublicKey(random(32))]
  const agreement = first.slice()
  expect(node.x25519(agreement, peer)).toEqual(sodium.x25519(first, peer))
  agreement.set(second)
  expect(node.x25519(agreement, peer)).toEqual(sodium.x25519(second, peer))
  expect(node.x25519PublicKey(agreement)).toEqual(sodium.x25519PublicKey(second))
  const [one, other] = [sodium.ed25519KeyPair(first), sodium.ed25519KeyPair(second)]
  const signing = one.secretKey.slice()
  expect(node.ed25519Sign(signing, first)).toEqual(sodium.ed25519Sign(one.secretKey, first))
  signing.set(other.secretKey)
  expect(node.ed25519Sign(signing, first)).toEqual(sodium.ed25519Sign(other.secretKey, first))
})

test('places lie side by side in memory that was asked for as a whole', () => {
  const asked: number[] = []
  const memory = { _malloc: (bytes: number) => asked.push(bytes) * 1000 }
  expect(reservePlaces(memory, [5, 7, 1])).toEqual([1000, 1005, 1012])
  expect(asked).toEqual([13])
})

test('libsodium: every place is as long as the longest that comes into it', () => {
  const asked: number[] = []
  sodiumFastPaths({ libsodium: { _malloc: (bytes: number) => asked.push(bytes) } } as never)
  // Associated data, nonce, hash, key, and a message with its tag.
  expect(asked).toEqual([4096 + 32 + 64 + 64 + 4096 + 16])
})

describe('libsodium: which inputs have a place of their own', () => {
  const wrapped: string[] = []
  const counting = new Proxy(libsodium, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        wrapped.push(String(name))
        return Reflect.apply(value, target, args)
      }
    },
  })
  const fast = sodiumFastPaths(counting)
  const ways = (use: () => unknown): number => {
    wrapped.length = 0
    try {
      use()
    } catch {
      // What the wrappers refuse has gone through them.
    }
    return wrapped.length
  }

  test('hashes: messages up to 4,096 bytes, keys and results up to 64; the rest goes through the wrappers, to the same result', () => {
    const hash = (message: number, keyLength: number, length: number) => ways(() => fast.blake2b(length, new Uint8Array(message), new Uint8Array(keyLength)))
    expect([hash(4096, 64, 64), hash(0, 0, 1), hash(4097, 64, 64), hash(1, 65, 64), hash(1, 64, 65), hash(1, 64, 0)]).toEqual([0, 0, 1, 1, 1, 1])
    expect(ways(() => fast.blake2b(32, new Uint8Array(4096)))).toBe(0)
    for (const length of [4096, 4097]) {
      const message = random(length)
      expect(fast.blake2b(64, message, key)).toEqual(libsodium.crypto_generichash(64, message, key))
    }
    expect(fast.blake2b(32, key, new Uint8Array(0))).toEqual(fast.blake2b(32, key))
  })

  test('encryption: data and associated data up to 4,096 bytes each', () => {
    const seal = (data: number, ad: number) => ways(() => fast.aeadSeal(key, nonce, { data: new Uint8Array(data), associatedData: new Uint8Array(ad) }))
    expect([seal(4096, 4096), seal(4097, 0), seal(0, 4097)]).toEqual([0, 1, 1])
    const open = (data: number, ad: number) => ways(() => fast.aeadOpen(key, nonce, { data: new Uint8Array(data), associatedData: new Uint8Array(ad) }))
    expect([open(4096, 4096), open(4097, 0), open(0, 4097)]).toEqual([0, 1, 1])
  })
})

test('libsodium: secret keys are wiped from the places too', () => {
  const heap = () => Buffer.from((libsodium as unknown as { libsodium: { HEAPU8: Uint8Array } }).libsodium.HEAPU8.slice().buffer)
  const secrets = [random(32), random(32), random(32), random(64)] as const
  const [agreement, own, sealing, hashing] = secrets
  sodium.x25519(agreement, sodium.x25519PublicKey(own))
  sodium.x25519PublicKey(own)
  sodium.aeadSeal(sealing, nonce, { data: random(100), associatedData: nonce })
  sodium.blake2b(32, nonce, hashing)
  for (const secret of secrets) expect(heap().includes(Buffer.from(secret))).toBe(false)
})
