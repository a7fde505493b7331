import libsodium from 'libsodium-wrappers'
import { describe, expect, test } from 'vitest'
import { sealCommitting, sealCommittingInto } from '../../src/aead/committing.js'
import { Secret } from '../../src/index.js'
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
