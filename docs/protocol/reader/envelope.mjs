// 05 Envelope, and of 01 padding and sealed records.
import { cursor, readT, readUint, refuse, T, uint } from './bytes.mjs'
import { aeadOpen, expand, H, requireCommitment } from './primitives.mjs'

export function paddedLength(length) {
  const n = length + 4
  if (n <= 4096) return Math.ceil(n / 256) * 256
  const e = Math.floor(Math.log2(n))
  const unit = 2 ** (e - (Math.floor(Math.log2(e)) + 1))
  return Math.ceil(n / unit) * unit
}

export function unpad(padded) {
  const length = readUint(padded.subarray(0, 4))
  if (padded.length < 4 || paddedLength(length) !== padded.length || padded.subarray(4 + length).some((byte) => byte !== 0)) refuse('padding')
  return padded.subarray(4, 4 + length)
}

function readHandshake(from) {
  return {
    senderDevice: from.uint(4),
    recipientDevice: from.uint(4),
    senderVersion: from.uint(8),
    senderHash: from.take(32),
    recipientVersion: from.uint(8),
    recipientHash: from.take(32),
    generation: from.uint(4),
    ephemeralKey: from.take(32),
    signedPreKeyId: from.uint(4),
    kemType: from.uint(1),
    kemId: from.uint(4),
    ciphertext: from.take(1088),
  }
}

/** u8 version ‖ u8 suite ‖ u8 kind ‖ u8 flags ‖ [handshake] ‖ ratchet ‖ key commitment 32 ‖ ciphertext */
export function readEnvelope(bytes) {
  const from = cursor(bytes)
  const [version, suite, kind, flags] = [from.uint(1), from.uint(1), from.uint(1), from.uint(1)]
  if (version !== 1 || suite !== 1 || (kind !== 1 && kind !== 2) || flags > 7) refuse('kept for a later reader')
  const handshake = kind === 2 ? readHandshake(from) : null
  const ratchet = { tag: from.take(8), ratchetKey: from.take(32), previousChainLength: from.uint(4), counter: from.uint(4) }
  const epoch = flags & 2 ? from.uint(4) : 0
  const sharedBody = flags & 4 ? from.take(16) : null
  const commitment = flags & 1 ? from.take(32) : null
  if (!commitment) from.take(16)
  const header = bytes.subarray(0, bytes.length - from.rest().length)
  return { handshake, ...ratchet, epoch, sharedBody, commitment, header, keyCommitment: from.take(32), ciphertext: from.rest() }
}

/** 04, "Message keys": key 32 ‖ nonce 24 ‖ commitment 32 = expand(mk, T("SC1/msg", H(AD)), 88) */
export function openMessage(messageKey, { th, sender, recipient, envelope }) {
  const ad = T('SC1/ad', th, sender.account, uint(4, sender.device), recipient.account, uint(4, recipient.device), envelope.header)
  const secrets = expand(messageKey, T('SC1/msg', H(ad)), 88)
  requireCommitment(secrets.subarray(56), envelope.keyCommitment)
  return readPlaintext(aeadOpen(secrets.subarray(0, 32), secrets.subarray(32, 56), envelope.ciphertext, H(ad)))
}

export function readPlaintext(padded) {
  const [common, perSession] = readT(unpad(padded), 'SC1/plaintext')
  const [senderVersion, senderHash, recipientVersion, recipientHash, extra, chunk = null] = readT(perSession, 'SC1/per-session')
  return {
    common,
    extra,
    chunk,
    sender: { version: readUint(senderVersion), hash: senderHash },
    recipient: { version: readUint(recipientVersion), hash: recipientHash },
  }
}

export const frankingCommitment = ({ frankingKey, common, conversation, account, device, message }) =>
  H(T('SC1/frank', common, conversation, account, uint(4, device), message), frankingKey, 32)

/** sealed = u8 1 ‖ nonce 24 ‖ commitment 32 ‖ ciphertext */
export function openRecord(rootKey, associatedData, sealed) {
  const from = cursor(sealed)
  if (from.uint(1) !== 1) refuse('record version')
  const nonce = from.take(24)
  const secrets = expand(rootKey, T('SC1/store/record', nonce, associatedData), 64)
  requireCommitment(secrets.subarray(32), from.take(32))
  return aeadOpen(secrets.subarray(0, 32), nonce, from.rest())
}
