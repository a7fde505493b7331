import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { noble } from '../support/providers.js'

/**
 * docs/protocol 01 to 05 once more, written from the documents: nothing but primitives is shared with the package. It opens the
 * published vectors from their random draws, so document, vectors and implementation cannot drift apart unnoticed.
 */
type Bytes = Uint8Array
interface PersonVector {
  draws: { values: string[] }
  accountKey: string
  signingKey: string
  identityKey: string
  manifest: string
  manifestHash: string
  preKeyDraws: { values: string[] }
  preKeys: { signed: string; lastResort: string; oneTime: string }
}
interface ConversationVector {
  th: string
  first: { draws: { values: string[] }; common: string; header: string; envelope: string }
  answer: { draws: { values: string[] }; common: string; envelope: string }
}
const FILE = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/suite-01.json')
const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as {
  alice: PersonVector
  bob: PersonVector
  withOneTimePair: ConversationVector
  withLastResortKey: ConversationVector
}

const bytes = (hex: string): Bytes => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (value: Bytes): string => Buffer.from(value).toString('hex')
const join = (...parts: Bytes[]): Bytes => new Uint8Array(Buffer.concat(parts))
const uint = (length: number, value: number): Bytes => {
  const out = Buffer.alloc(8)
  out.writeBigUInt64BE(BigInt(value))
  return new Uint8Array(out.subarray(8 - length))
}
const ascii = (text: string): Bytes => new Uint8Array(Buffer.from(text, 'ascii'))
const T = (label: string, ...fields: Bytes[]): Bytes =>
  join(uint(1, label.length), ascii(label), uint(2, fields.length), ...fields.flatMap((field) => [uint(4, field.length), field]))
const H = (message: Bytes, key?: Bytes): Bytes => noble.blake2b(64, message, key)
const expand = (prk: Bytes, info: Bytes, length: number): Bytes => {
  const blocks: Bytes[] = []
  for (let i = 1; blocks.length * 64 < length; i++) blocks.push(H(T('SC1/expand', info, uint(2, length), uint(1, i)), prk))
  return join(...blocks).subarray(0, length)
}
const kdf = (salt: Bytes, ikm: Bytes, info: Bytes, length: number): Bytes => expand(H(ikm, salt), info, length)
const key = (type: 1 | 2 | 3, value: Bytes): Bytes => join(uint(1, type), value)
const EMPTY = new Uint8Array(0)
const SUITE = uint(1, 1)
const DEVICE = uint(4, 1)
const readUint = (value: Bytes): number => Number(BigInt(`0x${hex(value) || '0'}`))

function person({ draws, manifestHash, preKeyDraws }: PersonVector) {
  const [account, aik, dsk, dik] = draws.values.map(bytes) as [Bytes, Bytes, Bytes, Bytes]
  const [spk, lastResort, opk, pair] = preKeyDraws.values.map(bytes) as [Bytes, Bytes, Bytes, Bytes]
  return {
    account,
    aik: noble.ed25519KeyPair(aik),
    dsk: noble.ed25519KeyPair(dsk),
    dik,
    dikPublic: noble.x25519PublicKey(dik),
    hash: bytes(manifestHash),
    spk,
    opk,
    lastResort: noble.mlkem768KeyPair(lastResort),
    pair: noble.mlkem768KeyPair(pair),
  }
}
type Party = ReturnType<typeof person>
const party = (p: Party): Bytes[] => [
  p.account,
  DEVICE,
  key(1, p.aik.publicKey),
  key(1, p.dsk.publicKey),
  key(2, p.dikPublic),
  uint(8, 1),
  p.hash.subarray(0, 32),
]

const alice = person(vectors.alice)
const bob = person(vectors.bob)

/** Root step, then the first message key of the new chain. */
function turn(rootKey: Bytes, dh: Bytes, th: Bytes) {
  const out = kdf(rootKey, T('SC1/root-ikm', dh, EMPTY), T('SC1/root', th, uint(4, 0), EMPTY), 64)
  return { rootKey: out.subarray(0, 32), messageKey: H(T('SC1/chain'), out.subarray(32)).subarray(0, 32) }
}

/** 04, "Message keys", and 05, "Plaintext": opens an envelope whose header is `headerLength` bytes. Gives `common` and the echoed hashes. */
function open(envelope: Bytes, from: { messageKey: Bytes; th: Bytes; sender: Party; recipient: Party; headerLength: number }) {
  const header = envelope.subarray(0, from.headerLength)
  const ad = T('SC1/ad', from.th, from.sender.account, DEVICE, from.recipient.account, DEVICE, header)
  const secrets = expand(from.messageKey, T('SC1/msg', H(ad)), 88)
  expect(hex(envelope.subarray(from.headerLength, from.headerLength + 32))).toBe(hex(secrets.subarray(56)))
  const padded = noble.aeadOpen(secrets.subarray(0, 32), secrets.subarray(32, 56), { data: envelope.subarray(from.headerLength + 32), associatedData: H(ad) })
  expect(padded.length % 256).toBe(0)
  const content = padded.subarray(4, 4 + readUint(padded.subarray(0, 4)))
  const [common, own] = fields(content, 'SC1/plaintext') as [Bytes, Bytes]
  const [, senderHash, , recipientHash] = fields(own, 'SC1/per-session')
  expect(hex(senderHash as Bytes)).toBe(hex(from.sender.hash.subarray(0, 32)))
  expect(hex(recipientHash as Bytes)).toBe(hex(from.recipient.hash.subarray(0, 32)))
  return Buffer.from(common).toString()
}

function fields(value: Bytes, label: string): Bytes[] {
  const start = 1 + label.length
  expect(hex(value.subarray(0, start))).toBe(hex(join(uint(1, label.length), ascii(label))))
  const out: Bytes[] = []
  let at = start + 2
  for (let n = readUint(value.subarray(start, start + 2)); n > 0; n--) {
    const length = readUint(value.subarray(at, at + 4))
    out.push(value.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return out
}

describe.each([
  { name: 'one-time pair', vector: vectors.withOneTimePair, paired: true },
  { name: 'last-resort key', vector: vectors.withLastResortKey, paired: false },
])('a second implementation, with the $name', ({ vector, paired }) => {
  test('derives the same th and keys on both sides and opens both messages', () => {
    const [ek, randomness, ratchet, salt] = vector.first.draws.values.map(bytes) as [Bytes, Bytes, Bytes, Bytes]
    const kem = paired ? bob.pair : bob.lastResort
    const [keyId, kemType] = paired ? [3, 1] : [2, 2]
    const { ciphertext, sharedSecret } = noble.mlkem768Encapsulate(kem.publicKey, randomness)
    const ekPublic = noble.x25519PublicKey(ek)
    const spkPublic = noble.x25519PublicKey(bob.spk)
    const opkPublic = noble.x25519PublicKey(bob.opk)
    const th = H(
      T(
        'SC1/pqxdh',
        SUITE,
        uint(4, 0),
        ...party(alice),
        ...party(bob),
        key(2, ekPublic),
        uint(4, 1),
        key(2, spkPublic),
        uint(1, paired ? 1 : 0),
        uint(4, paired ? keyId : 0),
        paired ? key(2, opkPublic) : EMPTY,
        uint(1, kemType),
        uint(4, keyId),
        key(3, kem.publicKey),
        ciphertext,
      ),
    )
    expect(hex(th)).toBe(vector.th)

    const handshake = join(
      DEVICE,
      DEVICE,
      uint(8, 1),
      alice.hash.subarray(0, 32),
      uint(8, 1),
      bob.hash.subarray(0, 32),
      uint(4, 0),
      ekPublic,
      uint(4, 1),
      uint(1, kemType),
      uint(4, keyId),
      ciphertext,
    )
    const ratchetPublic = noble.x25519PublicKey(ratchet)
    expect(hex(join(Uint8Array.of(1, 1, 2, 0), handshake, th.subarray(0, 8), ratchetPublic, uint(4, 0), uint(4, 0), salt))).toBe(vector.first.header)

    // As Bob.
    const dh = [
      noble.x25519(bob.spk, alice.dikPublic),
      noble.x25519(bob.dik, ekPublic),
      noble.x25519(bob.spk, ekPublic),
      ...(paired ? [noble.x25519(bob.opk, ekPublic)] : []),
    ]
    expect(hex(noble.mlkem768Decapsulate(ciphertext, kem.secretKey))).toBe(hex(sharedSecret))
    const rootKey = kdf(th, join(...dh, sharedSecret), T('SC1/pqxdh/sk'), 32)
    const first = turn(rootKey, noble.x25519(bob.spk, ratchetPublic), th)
    const headerLength = bytes(vector.first.header).length
    expect(open(bytes(vector.first.envelope), { messageKey: first.messageKey, th, sender: alice, recipient: bob, headerLength })).toBe(vector.first.common)

    // As Alice.
    const answerKey = noble.x25519PublicKey(bytes(vector.answer.draws.values[0] as string))
    const answer = turn(first.rootKey, noble.x25519(ratchet, answerKey), th)
    expect(open(bytes(vector.answer.envelope), { messageKey: answer.messageKey, th, sender: bob, recipient: alice, headerLength: 4 + 48 + 32 })).toBe(
      vector.answer.common,
    )
  })
})

test('02: manifest, acceptance and prekey signatures over transcripts written from the document', () => {
  const [account] = vectors.alice.draws.values.map(bytes) as [Bytes]
  const accepted = T('SC1/device-accept', SUITE, account, key(1, alice.aik.publicKey), DEVICE, key(1, alice.dsk.publicKey), key(2, alice.dikPublic), EMPTY)
  const entry = join(DEVICE, key(1, alice.dsk.publicKey), key(2, alice.dikPublic), uint(8, 1), uint(4, 1))
  const time = 1_800_000_000_000
  const core = T('SC1/manifest', SUITE, account, key(1, alice.aik.publicKey), uint(8, 1), EMPTY, uint(8, time), uint(8, time + 30 * 86_400_000), EMPTY, entry)
  const signature = noble.ed25519Sign(alice.aik.secretKey, core)
  expect(hex(join(uint(1, 1), uint(4, core.length), core, signature, uint(1, 0), noble.ed25519Sign(alice.dsk.secretKey, accepted)))).toBe(
    vectors.alice.manifest,
  )
  expect(hex(H(core))).toBe(vectors.alice.manifestHash)

  const validity = [uint(8, time), uint(8, time + 30 * 86_400_000)]
  const prekey = (type: number, id: number, dh: Bytes, kem: Bytes): string => {
    const signed = T('SC1/prekey', SUITE, bob.account, DEVICE, uint(1, type), uint(4, id), ...validity, dh, kem)
    return hex(join(signed, noble.ed25519Sign(bob.dsk.secretKey, signed)))
  }
  expect(prekey(1, 1, key(2, noble.x25519PublicKey(bob.spk)), EMPTY)).toBe(vectors.bob.preKeys.signed)
  expect(prekey(3, 2, EMPTY, key(3, bob.lastResort.publicKey))).toBe(vectors.bob.preKeys.lastResort)
  expect(prekey(2, 3, key(2, noble.x25519PublicKey(bob.opk)), key(3, bob.pair.publicKey))).toBe(vectors.bob.preKeys.oneTime)
})
