import { concatBytes, u32 } from '@securechat/protocol/core'
import { CHUNK_CIPHER_SIZES, type ChunkCipher } from '../primitives/chunk-cipher.js'
import { nobleProvider } from '../primitives/noble.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'
import { type Outcome, outcomeOf, type Probe, unhex } from './case.js'

export interface Comparison {
  /** Inputs that were given to every implementation. */
  readonly compared: number
  /** Of them, those that the first one refused or judged false: what is hostile must be there. */
  readonly refused: number
  /** `name: input: its outcome, not the first one's`; empty where all agree. */
  readonly disagreements: readonly string[]
}

/** The same bytes on every platform for one seed: BLAKE2b of seed and counter. */
function inputsOf(seed: number): (length: number) => Uint8Array {
  const { blake2b } = nobleProvider()
  let counter = 0
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 64) }, () => blake2b(64, u32(counter++), u32(seed + 1)))
    return concatBytes(...blocks).subarray(0, length)
  }
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at % bytes.length ? byte ^ (1 << (at % 8)) : byte))

/** y of the points of small order, two of them in other encodings (p, p + 1), as Ed25519 keys and as u of X25519. */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
].map(unhex)

const probe =
  <Subject>(into: Probe<Subject>[], id: string) =>
  (what: string, run: (subject: Subject) => Outcome | Promise<Outcome>): void =>
    void into.push({ id: `${id} ${what}`, run })

/** Ordinary inputs, and the same ones changed, cut and made up. */
function providerProbes(reference: CryptoProvider, { seed, rounds }: { seed: number; rounds: number }): Probe<CryptoProvider>[] {
  const bytes = inputsOf(seed)
  const probes: Probe<CryptoProvider>[] = []
  for (let round = 0; round < rounds; round++) {
    const add = probe(probes, `round ${round}:`)
    const at = (bytes(1)[0]! << 8) | bytes(1)[0]!
    const message = bytes(at % 400)

    add('BLAKE2b', (p) => p.blake2b(1 + (at % 64), message))
    const hashKey = bytes(1 + (at % 64))
    add('BLAKE2b with a key', (p) => p.blake2b(1 + (at % 64), message, hashKey))

    const signingSeed = bytes(SIZES.ed25519Seed)
    const { publicKey, secretKey } = reference.ed25519KeyPair(signingSeed)
    const signature = reference.ed25519Sign(secretKey, message)
    add('Ed25519 pair', (p) => concatBytes(p.ed25519KeyPair(signingSeed).publicKey, p.ed25519KeyPair(signingSeed).secretKey))
    add('Ed25519 signature', (p) => p.ed25519Sign(secretKey, message))
    add('Ed25519 verdict', (p) => p.ed25519Verify(signature, message, publicKey))
    add('Ed25519, changed signature', (p) => p.ed25519Verify(flipped(signature, at), message, publicKey))
    add('Ed25519, changed key', (p) => p.ed25519Verify(signature, message, flipped(publicKey, at)))
    add('Ed25519, made-up key', (p) => p.ed25519Verify(signature, message, signingSeed))

    const [scalar, u] = [bytes(SIZES.x25519), bytes(SIZES.x25519)]
    add('X25519 key', (p) => p.x25519PublicKey(scalar))
    add('X25519', (p) => p.x25519(scalar, u))

    const kemSeed = bytes(SIZES.mlkemSeed)
    const randomness = bytes(SIZES.mlkemRandomness)
    const kem = reference.mlkem768KeyPair(kemSeed)
    const { ciphertext } = reference.mlkem768Encapsulate(kem.publicKey, randomness)
    add('ML-KEM pair', (p) => concatBytes(p.mlkem768KeyPair(kemSeed).publicKey, p.mlkem768KeyPair(kemSeed).secretKey))
    add('ML-KEM encapsulation', (p) => {
      const made = p.mlkem768Encapsulate(kem.publicKey, randomness)
      return concatBytes(made.ciphertext, made.sharedSecret)
    })
    add('ML-KEM, changed key', (p) => p.mlkem768Encapsulate(flipped(kem.publicKey, at), randomness).ciphertext)
    add('ML-KEM, made-up key', (p) => p.mlkem768Encapsulate(bytesLike(kem.publicKey, message), randomness).ciphertext)
    add('ML-KEM decapsulation', (p) => p.mlkem768Decapsulate(ciphertext, kem.secretKey))
    add('ML-KEM, changed ciphertext', (p) => p.mlkem768Decapsulate(flipped(ciphertext, at), kem.secretKey))
    add('ML-KEM, changed secret key', (p) => p.mlkem768Decapsulate(ciphertext, flipped(kem.secretKey, 1152 + (at % 1184))))

    const [key, nonce, associatedData] = [bytes(SIZES.aeadKey), bytes(SIZES.aeadNonce), bytes(at % 90)]
    const sealed = reference.aeadSeal(key, nonce, { data: message, associatedData })
    add('AEAD sealed', (p) => p.aeadSeal(key, nonce, { data: message, associatedData }))
    add('AEAD opened', (p) => p.aeadOpen(key, nonce, { data: sealed, associatedData }))
    add('AEAD, changed', (p) => p.aeadOpen(key, nonce, { data: flipped(sealed, at), associatedData }))
    add('AEAD, cut', (p) => p.aeadOpen(key, nonce, { data: sealed.subarray(1), associatedData }))
    add('AEAD, another place', (p) => p.aeadOpen(key, nonce, { data: sealed, associatedData: Uint8Array.from([...associatedData, 0]) }))
    add('equal', (p) => p.equal(sealed, flipped(sealed, at)))
    add('equal to itself', (p) => p.equal(sealed, Uint8Array.from(sealed)))
  }
  return [...probes, ...hostileProbes(bytes)]
}

const bytesLike = (shape: Uint8Array, filler: Uint8Array): Uint8Array => shape.map((_, i) => filler[i % filler.length] ?? 0xff)

/** Points of small order, and every length that is wrong. */
function hostileProbes(bytes: (length: number) => Uint8Array): Probe<CryptoProvider>[] {
  const probes: Probe<CryptoProvider>[] = []
  const add = probe(probes, 'hostile:')
  const scalar = bytes(32)
  SMALL_ORDER.forEach((point, i) => {
    const weak = new Uint8Array(64)
    weak[0] = 1
    add(`X25519 of point ${i}`, (p) => p.x25519(scalar, point))
    add(`X25519 of point ${i}, high bit`, (p) =>
      p.x25519(
        scalar,
        Uint8Array.from(point, (byte, at) => (at === 31 ? byte | 0x80 : byte)),
      ),
    )
    // S = 0 and R neutral satisfy the equation for every message whose k is a multiple of the key's order.
    for (let text = 0; text < 8; text++) add(`Ed25519 under point ${i}, message ${text}`, (p) => p.ed25519Verify(weak, Uint8Array.of(text), point))
  })
  for (const length of [0, 1, 31, 33, 63, 65, 1087, 1089, 1183, 1185, 2399, 2401]) {
    const wrong = new Uint8Array(length)
    add(`Ed25519 seed of ${length}`, (p) => p.ed25519KeyPair(wrong).publicKey)
    add(`Ed25519 secret key of ${length}`, (p) => p.ed25519Sign(wrong, wrong))
    add(`Ed25519 signature of ${length}`, (p) => p.ed25519Verify(wrong, wrong, scalar))
    add(`Ed25519 key of ${length}`, (p) => p.ed25519Verify(new Uint8Array(64), wrong, wrong))
    add(`X25519 scalar of ${length}`, (p) => p.x25519PublicKey(wrong))
    add(`X25519 point of ${length}`, (p) => p.x25519(scalar, wrong))
    add(`ML-KEM seed of ${length}`, (p) => p.mlkem768KeyPair(wrong).publicKey)
    add(`ML-KEM key of ${length}`, (p) => p.mlkem768Encapsulate(wrong, scalar).ciphertext)
    add(`ML-KEM randomness of ${length}`, (p) => p.mlkem768Encapsulate(new Uint8Array(1184), wrong).ciphertext)
    add(`ML-KEM ciphertext of ${length}`, (p) => p.mlkem768Decapsulate(wrong, new Uint8Array(2400)))
    add(`ML-KEM secret key of ${length}`, (p) => p.mlkem768Decapsulate(new Uint8Array(1088), wrong))
    add(`AEAD key of ${length}`, (p) => p.aeadSeal(wrong, new Uint8Array(24), { data: scalar, associatedData: scalar }))
    add(`AEAD nonce of ${length}`, (p) => p.aeadOpen(scalar, wrong, { data: scalar, associatedData: scalar }))
    add(`AEAD data of ${length}`, (p) => p.aeadOpen(scalar, new Uint8Array(24), { data: wrong, associatedData: scalar }))
    add(`equal to ${length}`, (p) => p.equal(wrong, scalar))
  }
  return probes
}

async function compare<Subject extends { readonly name: string }>(subjects: readonly Subject[], probes: readonly Probe<Subject>[]): Promise<Comparison> {
  const [reference, ...others] = subjects
  const disagreements: string[] = []
  let refused = 0
  for (const one of probes) {
    const verdict = await outcomeOf(one, reference!)
    if (verdict === 'false' || verdict.startsWith('crypto/')) refused++
    for (const other of others) {
      const outcome = await outcomeOf(one, other).catch((error: unknown) => `untyped ${String(error)}`)
      if (outcome !== verdict) disagreements.push(`${other.name}: ${one.id}: ${outcome}, not ${verdict}`)
    }
  }
  return { compared: probes.length, refused, disagreements }
}

/**
 * The same inputs through all of them, byte for byte: `rounds` of ordinary and changed ones that `seed` decides, and the hostile ones. The first provider
 * is the one that decides (libsodium: docs/protocol/01-encodings.md, "Primitives").
 */
export function compareProviders(providers: readonly CryptoProvider[], options: { readonly seed: number; readonly rounds: number }): Promise<Comparison> {
  return compare(providers, providerProbes(providers[0]!, options))
}

/** As `compareProviders`, for what attachments are encrypted with. */
export async function compareChunkCiphers(
  ciphers: readonly ChunkCipher[],
  { seed, rounds }: { readonly seed: number; readonly rounds: number },
): Promise<Comparison> {
  const bytes = inputsOf(seed)
  const probes: Probe<ChunkCipher>[] = []
  for (let round = 0; round < rounds; round++) {
    const add = probe(probes, `round ${round}:`)
    const at = (bytes(1)[0]! << 8) | bytes(1)[0]!
    const [key, nonce, data] = [bytes(CHUNK_CIPHER_SIZES.key), bytes(CHUNK_CIPHER_SIZES.nonce), bytes(at % 5_000)]
    const sealed = await (await ciphers[0]!.importKey(key)).seal(nonce, data)
    add('sealed', async (cipher) => (await cipher.importKey(key)).seal(nonce, data))
    add('opened', async (cipher) => (await cipher.importKey(key)).open(nonce, sealed))
    add('changed', async (cipher) => (await cipher.importKey(key)).open(nonce, flipped(sealed, at)))
    add('cut', async (cipher) => (await cipher.importKey(key)).open(nonce, sealed.subarray(1)))
    add('another nonce', async (cipher) => (await cipher.importKey(key)).open(flipped(nonce, at), sealed))
    add('SHA-256', (cipher) => cipher.sha256(data))
  }
  const add = probe(probes, 'hostile:')
  for (const length of [0, 1, 11, 13, 15, 16, 24, 31, 33]) {
    const wrong = new Uint8Array(length)
    add(`key of ${length}`, async (cipher) => (await cipher.importKey(wrong)).seal(new Uint8Array(12), wrong))
    add(`nonce of ${length}`, async (cipher) => (await cipher.importKey(new Uint8Array(32))).seal(wrong, wrong))
    add(`nonce of ${length} when opening`, async (cipher) => (await cipher.importKey(new Uint8Array(32))).open(wrong, new Uint8Array(16)))
    add(`data of ${length}`, async (cipher) => (await cipher.importKey(new Uint8Array(32))).open(new Uint8Array(12), wrong))
  }
  return compare(ciphers, probes)
}
