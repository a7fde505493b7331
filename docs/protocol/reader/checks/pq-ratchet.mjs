import { concat, EMPTY, hex, requireEqual, T, uint, utf8 } from '../bytes.mjs'
import { readPlaintext } from '../envelope.mjs'
import { chunkOf, epochHash, keyTag } from '../pq.mjs'
import { kemDecapsulate, kemEncapsulate, kemKeys, x25519, x25519PublicKey } from '../primitives.mjs'
import { chainStep, rootStep } from '../session.mjs'

const DAY = 86_400_000

/** Both sides of a conversation in which each message answers the one before: every key from the random draws. */
function conversation({ start, messages, secrets }) {
  const th = hex(start.th)
  const own = { initiator: hex(start.initiatorDraws[0]), responder: hex(start.signedPreKeySecret) }
  const sent = { initiator: 0, responder: 0 }
  let rootKey = hex(start.rootKey)
  let epoch = 0
  let next = { chunks: { 1: 0, 2: 0 } }
  messages.forEach((message, number) => {
    const draws = message.draws.map(hex)
    const { from } = message
    const peer = from === 'initiator' ? 'responder' : 'initiator'
    requireEqual(from, number % 2 === 0 ? 'initiator' : 'responder', 'who writes')
    requireEqual(message.time, start.time + (epoch + 1) * DAY, 'time: a day since the last epoch, since there are not 20 messages')
    requireEqual([message.counter, message.previousChainLength], [0, Math.min(1, sent[from]++)], 'place in the chain')
    if (number > 0) own[from] = draws.shift()
    requireEqual(x25519PublicKey(own[from]), hex(message.ratchetKey), 'ratchet key')

    const keySender = epoch % 2 === 0 ? 'initiator' : 'responder'
    const marked = from === keySender && next.chunks[2] === 7
    if (marked) epoch++
    requireEqual(message.pqEpoch ?? null, marked ? epoch : null, 'mark')
    if (marked) requireEqual(next.ss, hex(secrets[epoch - 1] ?? ''), 'secret of the epoch')
    const mixed = marked ? { ss: next.ss, h: next.h } : {}
    const step = rootStep({ rootKey, th, epoch, ...mixed }, x25519(own[from], x25519PublicKey(own[peer])))
    rootKey = step.rootKey
    requireEqual(rootKey, hex(message.rootKeyAfter), 'root key')
    requireEqual(chainStep(step.chainKey).messageKey, hex(message.messageKey), 'message key')
    if (marked) next = { chunks: { 1: 0, 2: 0 } }

    if (message.chunk !== undefined) {
      const kind = from === keySender ? 1 : 2
      if (kind === 1 && next.chunks[1] === 0) next.keys = kemKeys(draws.shift())
      if (kind === 2 && next.chunks[2] === 0) {
        next.ct = kemEncapsulate(next.keys.publicKey, draws.shift()).cipherText
        next.ss = kemDecapsulate(next.ct, next.keys.secretKey)
        next.h = epochHash(th, epoch + 1, next.keys.publicKey, next.ct)
      }
      const [object, hash] = kind === 1 ? [next.keys.publicKey, keyTag(th, epoch + 1, next.keys.publicKey)] : [next.ct, next.h]
      requireEqual(chunkOf({ epoch: epoch + 1, kind, index: next.chunks[kind]++, hash }, object), hex(message.chunk), 'chunk')
    }
    requireEqual(draws.length, 0, 'draws that are left')
  })
  requireEqual(epoch, secrets.length, 'epochs')
}

function plaintext({ plaintext: vector }) {
  requireEqual(vector.hashes, 'the version in every byte', 'rule of the hashes')
  const read = readPlaintext(hex(vector.padded))
  requireEqual(read.common, utf8(vector.common), 'common')
  requireEqual(read.chunk, hex(vector.chunk), 'chunk')
  requireEqual(read.extra, EMPTY, 'extra')
  for (const side of ['sender', 'recipient']) {
    const version = vector[`${side}Version`]
    requireEqual(read[side], { version, hash: new Uint8Array(32).fill(version) }, side)
  }
  const own = T('SC1/per-session', uint(8, 1), new Uint8Array(32).fill(1), uint(8, 2), new Uint8Array(32).fill(2), EMPTY, hex(vector.chunk))
  requireEqual(
    concat(hex(vector.padded)).subarray(4, 4 + T('SC1/plaintext', utf8(vector.common), own).length),
    T('SC1/plaintext', utf8(vector.common), own),
    'content',
  )
}

export function* checks(vectors) {
  yield ['suite', () => requireEqual([vectors.suite, vectors.drawOrder], [1, 'ratchet key 32 in a DH step; then ML-KEM seed 64 or encapsulation 32'], 'suite')]
  yield ['a conversation of two epochs', () => conversation(vectors)]
  yield ['chunk in a plaintext', () => plaintext(vectors)]
}
