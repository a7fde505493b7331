import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { compareChunkCiphers, compareProviders } from '../../src/conformance/index.js'
import { chunkCiphers } from '../support/attachments.js'
import { noble, node, providers, sodium } from '../support/providers.js'

// libsodium decides; the others must say the same about every input.
describe('libsodium, noble and node agree', () => {
  test.each([42, 43, 44])('on ordinary, changed, made-up and hostile inputs (seed %i)', async (seed) => {
    const { compared, refused, disagreements } = await compareProviders([sodium, noble, node], { seed, rounds: 10 })
    expect(disagreements).toEqual([])
    expect(compared).toBeGreaterThan(400)
    expect(refused).toBeGreaterThan(200)
  })

  test('WebCrypto, noble and node agree on chunks', async () => {
    const { refused, disagreements } = await compareChunkCiphers(chunkCiphers, { seed: 42, rounds: 12 })
    expect(disagreements).toEqual([])
    expect(refused).toBeGreaterThan(50)
  })

  test('one that says something else is named, with the input', async () => {
    const lax = { ...noble, name: 'lax', ed25519Verify: () => true }
    const { disagreements } = await compareProviders([sodium, lax], { seed: 42, rounds: 1 })
    expect(disagreements).toContain('lax: round 0: Ed25519, changed signature: true, not false')
    expect(disagreements).toContain('lax: hostile: Ed25519 under point 0, message 0: true, not false')
    const truncating = { ...noble, name: 'short', aeadSeal: (...input: Parameters<typeof noble.aeadSeal>) => noble.aeadSeal(...input).subarray(1) }
    expect((await compareProviders([sodium, truncating], { seed: 42, rounds: 1 })).disagreements).toHaveLength(1)
  })
})

test('attack 07: an owner who leaves the nonce out (R neutral, S = k·a) verifies nothing, with every provider', () => {
  const littleEndian = (input: Uint8Array): bigint => BigInt(`0x${Buffer.from(input).reverse().toString('hex')}`)
  const sha512 = (...parts: Uint8Array[]): Uint8Array => createHash('sha512').update(Buffer.concat(parts)).digest()
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const neutral = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
  const seed = new Uint8Array(32).fill(7)
  const { publicKey } = sodium.ed25519KeyPair(seed)
  const a = (littleEndian(sha512(seed).subarray(0, 32)) & (2n ** 254n - 8n)) | (2n ** 254n)
  const message = Uint8Array.of(1)
  const s = (littleEndian(sha512(neutral, publicKey, message)) * a) % order
  const signature = Uint8Array.from([...neutral, ...Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()])
  for (const provider of providers) expect(provider.ed25519Verify(signature, message, publicKey), provider.name).toBe(false)
})
