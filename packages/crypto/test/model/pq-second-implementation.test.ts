import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { noble } from '../support/providers.js'

/**
 * docs/protocol/07 once more, written from the document: nothing but primitives is shared with the package. From the random draws of the
 * published vectors it derives every chunk, secret, root key and message key.
 */
type Bytes = Uint8Array
interface MessageVector {
  from: 'initiator' | 'responder'
  draws: string[]
  ratchetKey: string
  pqEpoch?: number
  messageKey: string
  chunk?: string
  rootKeyAfter: string
}
const vectors = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../docs/protocol/vectors/pq-ratchet.json'), 'utf8')) as {
  start: { th: string; rootKey: string; signedPreKeySecret: string; initiatorDraws: string[] }
  secrets: string[]
  messages: MessageVector[]
  plaintext: { common: string; chunk: string; padded: string }
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
const EMPTY = new Uint8Array(0)

const th = bytes(vectors.start.th)

function rootStep(rootKey: Bytes, dh: Bytes, { epoch, secret, h }: { epoch: number; secret: Bytes; h: Bytes }) {
  const prk = H(T('SC1/root-ikm', dh, secret), rootKey)
  const info = T('SC1/root', th, uint(4, epoch), h)
  const out = H(T('SC1/expand', info, uint(2, 64), uint(1, 1)), prk)
  return { rootKey: out.subarray(0, 32), messageKey: H(T('SC1/chain'), out.subarray(32)).subarray(0, 32) }
}

/** The chunk with index i of an object. */
const chunk = (epoch: number, kind: 1 | 2, { object, hash, i }: { object: Bytes; hash: Bytes; i: number }): string =>
  hex(join(uint(4, epoch), uint(1, kind), uint(1, i), hash.subarray(0, 8), object.subarray(176 * i, 176 * (i + 1))))

test('a second implementation derives every chunk, secret, root key and message key of two epochs', () => {
  let rootKey = bytes(vectors.start.rootKey)
  let epoch = 0
  const ratchetSecrets = { initiator: bytes(vectors.start.initiatorDraws[0] as string), responder: bytes(vectors.start.signedPreKeySecret) }
  // Of the epoch under way.
  let [seed, ek, ct, secret, h]: Bytes[] = [EMPTY, EMPTY, EMPTY, EMPTY, EMPTY]
  const sentChunks = { ek: 0, ct: 0 }
  const mixed: string[] = []

  vectors.messages.forEach(({ from, draws, ratchetKey, pqEpoch, messageKey, chunk: sent, rootKeyAfter }, number) => {
    const queue = draws.map(bytes)
    // 04: the initiator's first key was made at the start, every other one is made for the first message after the peer's.
    const own = number === 0 ? ratchetSecrets.initiator : (queue.shift() as Bytes)
    ratchetSecrets[from] = own
    expect(hex(noble.x25519PublicKey(own))).toBe(ratchetKey)
    const peer = ratchetSecrets[from === 'initiator' ? 'responder' : 'initiator']
    const keySender = epoch % 2 === 0 ? 'initiator' : 'responder'
    const marked = from === keySender && sentChunks.ct === 7
    expect(pqEpoch).toBe(marked ? epoch + 1 : undefined)
    if (marked) {
      epoch++
      mixed.push(hex(secret as Bytes))
    }
    const step = rootStep(rootKey, noble.x25519(own, noble.x25519PublicKey(peer)), {
      epoch,
      secret: marked ? (secret as Bytes) : EMPTY,
      h: marked ? (h as Bytes) : EMPTY,
    })
    rootKey = step.rootKey
    expect(hex(rootKey)).toBe(rootKeyAfter)
    expect(hex(step.messageKey)).toBe(messageKey)
    if (marked) {
      ;[seed, ek, ct, secret, h] = [EMPTY, EMPTY, EMPTY, EMPTY, EMPTY]
      Object.assign(sentChunks, { ek: 0, ct: 0 })
    }
    if (sent === undefined) return

    // 07, "Course of an epoch".
    if (from === keySender) {
      if (sentChunks.ek === 0) {
        seed = queue.shift() as Bytes
        ek = noble.mlkem768KeyPair(seed).publicKey
      }
      expect(sent).toBe(chunk(epoch + 1, 1, { object: ek as Bytes, hash: H(T('SC1/pq', th, uint(4, epoch + 1), ek as Bytes)), i: sentChunks.ek++ }))
    } else {
      if (sentChunks.ct === 0) {
        const { ciphertext } = noble.mlkem768Encapsulate(ek as Bytes, queue.shift() as Bytes)
        ct = ciphertext
        secret = noble.mlkem768Decapsulate(ct, noble.mlkem768KeyPair(seed as Bytes).secretKey)
        h = H(T('SC1/pq', th, uint(4, epoch + 1), ek as Bytes, ct))
      }
      expect(sent).toBe(chunk(epoch + 1, 2, { object: ct as Bytes, hash: h as Bytes, i: sentChunks.ct++ }))
    }
    expect(queue).toEqual([])
  })
  expect(mixed).toEqual(vectors.secrets)
  expect(mixed).toHaveLength(2)
})

test('05: a chunk is the sixth field of perSession', () => {
  const own = T('SC1/per-session', uint(8, 1), new Uint8Array(32).fill(1), uint(8, 2), new Uint8Array(32).fill(2), EMPTY, bytes(vectors.plaintext.chunk))
  const content = T('SC1/plaintext', ascii(vectors.plaintext.common), own)
  const padded = join(uint(4, content.length), content)
  expect(vectors.plaintext.padded).toBe(hex(join(padded, new Uint8Array(Math.ceil(padded.length / 256) * 256 - padded.length))))
})
