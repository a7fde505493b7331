// 09 Shared bodies and franking, 10 Attachments.
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { concat, cursor, EMPTY, readT, readUint, refuse, same, T, uint } from './bytes.mjs'
import { unpad } from './envelope.mjs'
import { aeadOpen, expand, H, requireCommitment } from './primitives.mjs'

export function readReference(bytes) {
  const [version, id, key, hash, length, ...more] = readT(bytes, 'SC1/body/ref')
  if (!same(version, uint(1, 1)) || id.length !== 16 || key.length !== 32 || hash.length !== 32 || more.length > 0) refuse('reference')
  return { id, key, hash, length: readUint(length) }
}

/** body = header 20 ‖ commitment 32 ‖ ciphertext; gives what the checks want to see besides the content. */
export function openSharedBody(reference, body) {
  const from = cursor(body)
  const header = from.take(20)
  if (!same(header.subarray(0, 4), Uint8Array.of(1, 1, 5, 0))) refuse('header of a body')
  if (!same(header.subarray(4), reference.id)) refuse('id of a body')
  const hash = H(T('SC1/body/hash', body), undefined, 32)
  if (body.length !== reference.length || !same(hash, reference.hash)) refuse('hash of a body')
  const secrets = expand(reference.key, T('SC1/body', header), 88)
  const commitment = from.take(32)
  requireCommitment(secrets.subarray(56), commitment)
  const [key, nonce] = [secrets.subarray(0, 32), secrets.subarray(32, 56)]
  return { key, nonce, commitment, hash, content: unpad(aeadOpen(key, nonce, from.rest())) }
}

const AUDIENCES = {
  account: ({ accountId }, id) => concat(uint(1, 1), id(accountId)),
  group: ({ groupId, epoch }, id) => concat(uint(1, 2), id(groupId), uint(8, epoch)),
}
const audienceBytes = (audience, id) => AUDIENCES[audience.kind]?.(audience, id) ?? refuse('kind of an audience')

export const franking = {
  audienceBytes,
  tagInput: ({ commitment, account, device, audience, time, keyId }) =>
    T('SC1/frank/tag', commitment, account, uint(4, device), audience, uint(8, time), uint(4, keyId)),
  tag: (key, input) => H(input, key, 32),
  stamp: ({ keyId, time, tag }) => concat(uint(1, 1), uint(4, keyId), uint(8, time), tag),
  reportId: (account, commitment) => H(T('SC1/frank/report-id', account, commitment), undefined, 16),
  readReport(bytes) {
    const [version, account, device, audience, conversation, message, frankingKey, commitment, common, stamp, ...more] = readT(bytes, 'SC1/frank/report')
    if (!same(version, uint(1, 1)) || more.length > 0) refuse('report')
    return { account, device: readUint(device), audience, conversation, message, frankingKey, commitment, common, stamp }
  },
}

function paddedSize(size) {
  if (size <= 4096) return Math.max(256, Math.ceil(size / 256) * 256)
  const e = Math.floor(Math.log2(size))
  const unit = 2 ** (e - (Math.floor(Math.log2(e)) + 1))
  return Math.ceil(size / unit) * unit
}

const sha256 = (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest())

function openChunk(key, nonce, chunk) {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce)
  decipher.setAuthTag(chunk.subarray(-16))
  try {
    return concat(decipher.update(chunk.subarray(0, -16)), decipher.final())
  } catch {
    return refuse('tag of a chunk')
  }
}

/** The writing side: what `openAttachment` reads, for vectors that name a long container by its hash alone. */
export function sealAttachment({ key: root, chunkBits }, content) {
  const parameters = Uint8Array.of(1, 3, chunkBits)
  const secrets = expand(root, T('SC1/att', parameters), 71)
  const padded = concat(content, new Uint8Array(paddedSize(content.length) - content.length))
  const chunkSize = 2 ** chunkBits
  const chunks = Math.ceil(padded.length / chunkSize)
  const pieces = Array.from({ length: chunks }, (_, i) => {
    const nonce = concat(secrets.subarray(32, 39), uint(4, i), uint(1, i === chunks - 1 ? 1 : 0))
    const cipher = createCipheriv('aes-256-gcm', secrets.subarray(0, 32), nonce)
    return concat(cipher.update(padded.subarray(i * chunkSize, (i + 1) * chunkSize)), cipher.final(), cipher.getAuthTag())
  })
  return concat(parameters, secrets.subarray(39), ...pieces)
}

export function readDescriptor(bytes) {
  const [version, suite, bits, key, ciphertextHash, size, mediaType, thumbnail, ...more] = readT(bytes, 'SC1/att/descriptor')
  if (!same(version, uint(1, 1)) || !same(suite, uint(1, 3)) || bits.length !== 1 || more.length > 0) refuse('descriptor')
  return {
    chunkBits: bits[0],
    key,
    ciphertextHash,
    size: readUint(size),
    mediaType: Buffer.from(mediaType).toString('latin1'),
    thumbnail,
  }
}

/** Whole file: header, each chunk in its place, nothing after the last, the hash. */
export function openAttachment(descriptor, container) {
  const { chunkBits, size } = descriptor
  const from = cursor(container)
  const parameters = Uint8Array.of(1, 3, chunkBits)
  if (!same(from.take(3), parameters)) refuse('parameters')
  const secrets = expand(descriptor.key, T('SC1/att', parameters), 71)
  const [key, prefix] = [secrets.subarray(0, 32), secrets.subarray(32, 39)]
  const commitment = from.take(32)
  requireCommitment(secrets.subarray(39), commitment)
  const padded = paddedSize(size)
  const chunkSize = 2 ** chunkBits
  const chunks = Math.ceil(padded / chunkSize)
  const pieces = []
  const leaves = []
  for (let i = 0; i < chunks; i++) {
    const length = Math.min(chunkSize, padded - i * chunkSize)
    const sealed = from.take(length + 16)
    const piece = openChunk(key, concat(prefix, uint(4, i), uint(1, i === chunks - 1 ? 1 : 0)), sealed)
    const content = piece.subarray(0, Math.max(0, Math.min(length, size - i * chunkSize)))
    if (piece.subarray(content.length).some((byte) => byte !== 0)) refuse('padding of a chunk')
    leaves.push(sha256(sealed))
    pieces.push(content)
  }
  from.end()
  const ciphertextHash = H(T('SC1/att/ct', concat(parameters, commitment), uint(8, container.length), concat(EMPTY, ...leaves)), undefined, 32)
  if (!same(ciphertextHash, descriptor.ciphertextHash)) refuse('ciphertext hash')
  return { key, prefix, commitment, content: concat(...pieces) }
}
