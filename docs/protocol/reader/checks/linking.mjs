// 13 Linking.
import { cursor, hex, key, readKey, readT, readUint, requireEqual, T, utf8 } from '../bytes.mjs'
import { unpad } from '../envelope.mjs'
import { acceptance, SUITE } from '../keys.mjs'
import {
  aeadOpen,
  ed25519PublicKey,
  expand,
  H,
  kdf,
  kemDecapsulate,
  kemEncapsulate,
  kemKeys,
  requireCommitment,
  verifySignature,
  x25519,
  x25519PublicKey,
} from '../primitives.mjs'

const h = (bytes, secret) => H(bytes, secret, 32)

/** The new device's view of the answer. */
function openAnswer({ code, kemKey, answer, ephemeral, kemSeed }) {
  const from = cursor(answer)
  requireEqual(from.take(2), Uint8Array.of(1, 1), 'version and suite')
  const [ephemeralKey, ciphertext, commitment] = [from.take(32), from.take(1088), from.take(32)]
  const exchange = H(T('SC1/link/exchange', code, key('mlkem768', kemKey), key('x25519', ephemeralKey), ciphertext))
  const secret = readT(code, 'SC1/link')[5]
  const ikm = T('SC1/link/ikm', x25519(ephemeral, ephemeralKey), kemDecapsulate(ciphertext, kemKeys(kemSeed).secretKey), secret)
  const out = kdf(exchange, ikm, T('SC1/link/keys', SUITE), 152)
  requireCommitment(out.subarray(56, 88), commitment)
  const content = unpad(aeadOpen(out.subarray(0, 32), out.subarray(32, 56), from.rest(), exchange))
  return {
    ephemeralKey,
    ciphertext,
    content,
    transcript: h(T('SC1/link/transcript', exchange, content)),
    codeKey: out.subarray(88, 120),
    confirmKey: out.subarray(120),
  }
}

export function* checks(vectors) {
  const [accountSeed, signingSeed, identitySecret, ephemeral, kemSeed, secret, answering, encapsulation] = vectors.draws.values.map(hex)
  const [code, kemKey, account] = [hex(vectors.code), hex(vectors.kemKey), hex(vectors.account)]
  yield [
    'code',
    () => {
      const [suite, shown, kemHash, signingKey, identityKey, shownSecret, expiry, ...more] = readT(code, 'SC1/link')
      requireEqual([suite, more], [SUITE, []], 'code')
      requireEqual(readKey('x25519', shown), x25519PublicKey(ephemeral), 'ephemeral key')
      requireEqual(kemKey, kemKeys(kemSeed).publicKey, 'ML-KEM key')
      requireEqual(kemHash, h(T('SC1/link/kem', key('mlkem768', kemKey))), 'hash of the ML-KEM key')
      requireEqual(readKey('ed25519', signingKey), ed25519PublicKey(signingSeed), 'DSK')
      requireEqual(readKey('x25519', identityKey), x25519PublicKey(identitySecret), 'DIK')
      requireEqual(shownSecret, secret, 'secret')
      requireEqual(readUint(expiry), vectors.time + 120_000, 'expiry')
    },
  ]
  const opened = openAnswer({ code, kemKey, answer: hex(vectors.answer), ephemeral, kemSeed })
  yield [
    'answer',
    () => {
      requireEqual(opened.ephemeralKey, x25519PublicKey(answering), 'answering key')
      requireEqual(opened.ciphertext, kemEncapsulate(kemKey, encapsulation).cipherText, 'KEM ciphertext')
      const [named, accountKey, device, payload, ...more] = readT(opened.content, 'SC1/link/answer')
      requireEqual(more, [], 'surplus')
      requireEqual(named, account, 'account')
      requireEqual(readKey('ed25519', accountKey), ed25519PublicKey(accountSeed), 'AIK')
      requireEqual(hex(vectors.accountKey), ed25519PublicKey(accountSeed), 'AIK')
      requireEqual(readUint(device), vectors.deviceId, 'device')
      requireEqual(payload, utf8(vectors.payload), 'payload')
    },
  ]
  yield [
    'transcript and digits',
    () => {
      requireEqual(opened.transcript, hex(vectors.transcript), 'transcript')
      const digits = readUint(expand(opened.codeKey, T('SC1/link/code', opened.transcript), 6)) % 1_000_000
      requireEqual(String(digits).padStart(6, '0'), vectors.comparison, 'digits')
    },
  ]
  yield [
    'confirmation',
    () => {
      const from = cursor(hex(vectors.confirmation))
      requireEqual(from.take(2), Uint8Array.of(1, 1), 'version and suite')
      const [tag, signature] = [from.take(32), from.take(64)]
      from.end()
      requireEqual(tag, h(T('SC1/link/confirm', opened.transcript, signature), opened.confirmKey), 'tag')
      requireEqual(signature, hex(vectors.deviceAccept), 'acceptance')
      const signingKey = ed25519PublicKey(signingSeed)
      const keys = { accountKey: ed25519PublicKey(accountSeed), signingKey, identityKey: x25519PublicKey(identitySecret) }
      verifySignature(signingKey, acceptance({ account, device: vectors.deviceId, transcript: opened.transcript, ...keys }), signature, 'acceptance')
    },
  ]
}
