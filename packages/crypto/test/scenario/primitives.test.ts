import { LABELS, LIMITS, T } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { openCommitting, sealCommitting } from '../../src/aead/committing.js'
import { createSealer, expand, kdf, openProfile, pad, paddedLength, pooledRandom, Secret, safetyNumber, sealProfile, unpad } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { bytesOf, createWorld, NOTHING, Person, textOf } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const deps = { provider: sodium, random: seededRandom(5) }
const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

describe('kdf', () => {
  const salt = new Uint8Array(32).fill(1)
  const info = T(LABELS.handshakeSecret)

  test('is built as documented from keyed BLAKE2b', () => {
    const prk = sodium.blake2b(64, bytesOf('ikm'), salt)
    const block = (i: number) => sodium.blake2b(64, T(LABELS.expand, info, Uint8Array.of(0, 88), Uint8Array.of(i)), prk)
    expect(kdf(sodium, { salt, ikm: bytesOf('ikm'), info }, 88)).toEqual(new Uint8Array([...block(1), ...block(2).subarray(0, 24)]))
    expect(expand(sodium, salt, info, 32)).toHaveLength(32)
    // The length is part of the input: a shorter output is no prefix of a longer one.
    expect(expand(sodium, salt, info, 64).subarray(0, 32)).not.toEqual(expand(sodium, salt, info, 32))
  })

  test('takes keys of 32 and 64 bytes and nothing else', () => {
    for (const length of [0, 16, 31, 33, 63, 65, 128]) {
      const key = new Uint8Array(length)
      expect(
        codeOf(() => expand(sodium, key, info, 32)),
        `${length}`,
      ).toBe('crypto/invalid-key')
      expect(
        codeOf(() => kdf(sodium, { salt: key, ikm: NOTHING, info }, 32)),
        `${length}`,
      ).toBe('crypto/invalid-key')
    }
  })

  test('gives 1 to 16,320 bytes: 255 blocks, since their number is one byte', () => {
    for (const length of [1, 64, 65, 255 * 64]) expect(expand(sodium, salt, info, length)).toHaveLength(length)
    for (const length of [0, 255 * 64 + 1]) expect(codeOf(() => expand(sodium, salt, info, length))).toBe('client/invalid-argument')
  })
})

describe('committing encryption', () => {
  const messageKey = new Secret(new Uint8Array(32).fill(7))
  const ad = bytesOf('header')
  const sealed = sealCommitting(sodium, messageKey, { ad, plaintext: bytesOf('text') })

  test('opens under its key and header only', () => {
    expect(textOf(openCommitting(sodium, messageKey, { ad, ...sealed }))).toBe('text')
    const other = new Secret(new Uint8Array(32).fill(8))
    for (const attempt of [
      () => openCommitting(sodium, other, { ad, ...sealed }),
      () => openCommitting(sodium, messageKey, { ad: bytesOf('other'), ...sealed }),
      () => openCommitting(sodium, messageKey, { ad, ...sealed, ciphertext: flip(sealed.ciphertext, 0) }),
      () => openCommitting(sodium, messageKey, { ad, ...sealed, keyCommitment: flip(sealed.keyCommitment, 31) }),
    ]) {
      expect(codeOf(attempt)).toBe('crypto/authentication-failed')
    }
  })

  test('the commitment is checked before anything is decrypted', () => {
    let opened = 0
    const counting = {
      ...sodium,
      aeadOpen(...args: Parameters<typeof sodium.aeadOpen>) {
        opened++
        return sodium.aeadOpen(...args)
      },
    }
    expect(codeOf(() => openCommitting(counting, messageKey, { ad, ...sealed, keyCommitment: new Uint8Array(32) }))).toBe('crypto/authentication-failed')
    expect(opened).toBe(0)
  })

  test('another header gives another key and nonce: a rolled-back chain key is no two-time pad', () => {
    const again = sealCommitting(sodium, messageKey, { ad: bytesOf('other'), plaintext: bytesOf('text') })
    expect(again.ciphertext.subarray(0, 4)).not.toEqual(sealed.ciphertext.subarray(0, 4))
    expect(again.keyCommitment).not.toEqual(sealed.keyCommitment)
  })
})

describe('sealer', () => {
  const sealer = createSealer(deps, new Uint8Array(32).fill(3))
  const ad = bytesOf('table/key/1')

  test('opens what it sealed, never gives the same bytes twice, and takes empty records', () => {
    for (const plaintext of [NOTHING, bytesOf('x'), new Uint8Array(100_000).fill(5)]) {
      const sealed = sealer.seal(plaintext, ad)
      expect(sealed).toHaveLength(plaintext.length + 73)
      expect(sealer.open(sealed, ad)).toEqual(plaintext)
      expect(sealer.seal(plaintext, ad)).not.toEqual(sealed)
    }
  })

  test('refuses another key, another place, and any changed or missing byte', () => {
    const sealed = sealer.seal(bytesOf('record'), ad)
    expect(codeOf(() => createSealer(deps, new Uint8Array(32)).open(sealed, ad))).toBe('crypto/authentication-failed')
    expect(codeOf(() => sealer.open(sealed, bytesOf('table/key/2')))).toBe('crypto/authentication-failed')
    for (let i = 0; i < sealed.length; i++) {
      expect(
        codeOf(() => sealer.open(flip(sealed, i), ad)),
        `byte ${i}`,
      ).toBe(i === 0 ? 'protocol/unsupported-version' : 'crypto/authentication-failed')
      expect(
        codeOf(() => sealer.open(sealed.subarray(0, i), ad)),
        `length ${i}`,
      ).toBe('crypto/authentication-failed')
    }
  })

  test('takes keys of 32 bytes and keeps its own copy', () => {
    for (const length of [0, 31, 33, 64]) expect(codeOf(() => createSealer(deps, new Uint8Array(length)))).toBe('crypto/invalid-key')
    const key = new Uint8Array(32).fill(9)
    const own = createSealer(deps, key)
    const sealed = own.seal(bytesOf('x'), ad)
    key.fill(0)
    expect(textOf(own.open(sealed, ad))).toBe('x')
  })

  test('a profile opens for its account and version only', () => {
    const { accountId } = new Person(createWorld(sodium))
    const other = new Person(createWorld(sodium, 2)).accountId
    const profileKey = new Uint8Array(32).fill(4)
    const sealed = sealProfile(deps, { profileKey, accountId, version: 2, plaintext: bytesOf('Alice') })
    expect(textOf(openProfile(deps, { profileKey, accountId, version: 2, sealed }))).toBe('Alice')
    expect(codeOf(() => openProfile(deps, { profileKey, accountId, version: 1, sealed }))).toBe('crypto/authentication-failed')
    expect(codeOf(() => openProfile(deps, { profileKey, accountId: other, version: 2, sealed }))).toBe('crypto/authentication-failed')
  })
})

describe('padding', () => {
  test('256-byte buckets to 4 KiB, then Padmé with at most 12 % more', () => {
    expect([0, 252, 253, 508, 509, 4092].map(paddedLength)).toEqual([256, 256, 512, 512, 768, 4096])
    expect(paddedLength(4093)).toBe(4352)
    expect([10_000, 100_000, 1_000_000].map(paddedLength)).toEqual([10_240, 100_352, 1_015_808])
    for (let length = 4093; length < LIMITS.envelopeBytes; length += 997) {
      const padded = paddedLength(length)
      expect(padded).toBeGreaterThanOrEqual(length + 4)
      expect(padded / (length + 4)).toBeLessThan(1.12)
    }
  })

  test('comes off exactly, and only where it is exactly what would have been put on', () => {
    for (const length of [0, 1, 252, 253, 5000]) expect(unpad(pad(new Uint8Array(length).fill(1)))).toEqual(new Uint8Array(length).fill(1))
    const padded = pad(bytesOf('text'))
    for (const bad of [
      NOTHING,
      padded.subarray(0, 255),
      new Uint8Array([...padded, 0]),
      new Uint8Array([...padded, ...new Uint8Array(256)]),
      flip(padded, 255),
      flip(padded, 2),
      flip(padded, 0),
    ]) {
      expect(codeOf(() => unpad(bad))).toBe('protocol/malformed')
    }
  })
})

describe('safety number', () => {
  const world = createWorld(sodium)
  const [alice, bob, carol] = [new Person(world), new Person(world), new Person(world)]
  const identity = (person: Person) => ({ accountId: person.accountId, accountKey: person.account.publicKey })

  test('60 digits, the same on both sides and with every provider', () => {
    const number = safetyNumber(sodium, identity(alice), identity(bob))
    expect(number).toMatch(/^\d{60}$/)
    for (const provider of providers) expect(safetyNumber(provider, identity(bob), identity(alice))).toBe(number)
  })

  test('small numbers are filled up with zeros', () => {
    const more = Array.from({ length: 4 }, () => safetyNumber(sodium, identity(new Person(world)), identity(new Person(world))))
    for (const number of more) expect(number).toMatch(/^\d{60}$/)
    // One of ten groups of five begins with a zero.
    expect(more.some((number) => number.match(/.{5}/g)?.some((group) => group.startsWith('0')))).toBe(true)
  })

  test('depends on both account ids and both account keys', () => {
    const numbers = [
      safetyNumber(sodium, identity(alice), identity(bob)),
      safetyNumber(sodium, identity(alice), identity(carol)),
      safetyNumber(sodium, { ...identity(alice), accountKey: carol.account.publicKey }, identity(bob)),
      safetyNumber(sodium, { ...identity(alice), accountId: carol.accountId }, identity(bob)),
    ]
    expect(new Set(numbers).size).toBe(numbers.length)
  })
})

describe('pooled random', () => {
  test('hands out every byte of its source once, in order, and asks rarely', () => {
    const direct = seededRandom(9)(64 * 1024)
    let calls = 0
    const source = seededRandom(9)
    const random = pooledRandom((length) => {
      calls++
      return source(length)
    }, 1024)
    const seen: number[] = []
    for (let i = 0; i < 100; i++) seen.push(...random(32))
    expect(Uint8Array.from(seen)).toEqual(direct.subarray(0, seen.length))
    expect(calls).toBe(4)
  })

  test('large requests go to the source, and no piece can be changed by the caller afterwards', () => {
    const random = pooledRandom(seededRandom(9), 1024)
    expect(random(1000)).toHaveLength(1000)
    const first = random(16)
    const copy = first.slice()
    random(16).fill(0)
    expect(first).toEqual(copy)
  })
})
