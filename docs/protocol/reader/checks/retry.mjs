// 14 Healing: signed requests to send again.
import { concat, cursor, hex, idBytes, refuse, requireEqual, T, toHex, uint } from '../bytes.mjs'
import { ed25519PublicKey, H, verifySignature } from '../primitives.mjs'

function readRequest(bytes) {
  const from = cursor(bytes)
  requireEqual(from.take(4), hex('01010400'), 'version, suite, kind, flags')
  const [requester, peer, time] = [from.uint(4), from.uint(4), from.uint(8)]
  const nonce = from.take(16)
  const tags = from.uint(1)
  if (tags > 1) refuse('sessions')
  const session = from.take(8 * tags)
  const count = from.uint(1)
  if (count < 1 || count > 64) refuse('number of hashes')
  const hashes = Array.from({ length: count }, () => from.take(32))
  const signature = from.take(64)
  from.end()
  return { requester, peer, time, nonce, session, hashes, signature }
}

export function* checks({ requester, peer, missed, requests }) {
  const dsk = hex(requester.dsk)
  yield ['device key', () => requireEqual(hex(requester.dskSecret), concat(hex(requester.dskSecret).subarray(0, 32), dsk), 'secret key')]
  yield ['device key from its seed', () => requireEqual(ed25519PublicKey(hex(requester.dskSecret).subarray(0, 32)), dsk, 'public key')]
  for (const { envelope, hash } of missed)
    yield ['hash of an envelope', () => requireEqual(H(T('SC1/retry/envelope', hex(envelope)), undefined, 32), hex(hash), 'hash')]
  for (const vector of requests)
    yield [
      `request for ${vector.hashes.length}`,
      () => {
        const read = readRequest(hex(vector.envelope))
        requireEqual([read.requester, read.peer, read.time], [requester.device, peer.device, vector.time], 'devices and time')
        requireEqual([toHex(read.nonce), toHex(read.session)], [vector.nonce, vector.session], 'nonce and session')
        requireEqual(read.hashes.map(toHex), vector.hashes, 'hashes')
        const signed = T(
          'SC1/retry',
          uint(1, 1),
          idBytes(requester.account),
          uint(4, read.requester),
          idBytes(peer.account),
          uint(4, read.peer),
          uint(8, read.time),
          read.nonce,
          read.session,
          concat(...read.hashes),
        )
        verifySignature(dsk, signed, read.signature, 'the request')
      },
    ]
}
