// 13 Linking: the exchange that linking and promotion share.
import { cursor, hex, key, readKey, readT, readUint, requireEqual, T, utf8 } from './bytes.mjs'
import { unpad } from './envelope.mjs'
import { SUITE } from './keys.mjs'
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
  x25519,
  x25519PublicKey,
} from './primitives.mjs'

const h = (bytes, secret) => H(bytes, secret, 32)

/** The keys of a vector file, in the order in which they were drawn. */
export function readDraws(vectors) {
  const [accountSeed, signingSeed, identitySecret, ephemeral, kemSeed, secret, answering, encapsulation] = vectors.draws.values.map(hex)
  return { accountSeed, signingSeed, identitySecret, ephemeral, kemSeed, secret, answering, encapsulation }
}

/** The code that a device shows; `label` says what for. */
export function checkCode(vectors, label) {
  const { ephemeral, kemSeed, signingSeed, identitySecret, secret } = readDraws(vectors)
  const [suite, shown, kemHash, signingKey, identityKey, shownSecret, expiry, ...more] = readT(hex(vectors.code), label)
  requireEqual([suite, more], [SUITE, []], 'code')
  requireEqual(readKey('x25519', shown), x25519PublicKey(ephemeral), 'ephemeral key')
  requireEqual(hex(vectors.kemKey), kemKeys(kemSeed).publicKey, 'ML-KEM key')
  requireEqual(kemHash, h(T('SC1/link/kem', key('mlkem768', hex(vectors.kemKey)))), 'hash of the ML-KEM key')
  requireEqual(readKey('ed25519', signingKey), ed25519PublicKey(signingSeed), 'DSK')
  requireEqual(readKey('x25519', identityKey), x25519PublicKey(identitySecret), 'DIK')
  requireEqual(shownSecret, secret, 'secret')
  requireEqual(readUint(expiry), vectors.time + 120_000, 'expiry')
}

/** The showing device's view of the answer. */
export function openAnswer(vectors, label) {
  const [code, kemKey] = [hex(vectors.code), hex(vectors.kemKey)]
  const { ephemeral, kemSeed } = readDraws(vectors)
  const from = cursor(hex(vectors.answer))
  requireEqual(from.take(2), Uint8Array.of(1, 1), 'version and suite')
  const [ephemeralKey, ciphertext, commitment] = [from.take(32), from.take(1088), from.take(32)]
  const exchange = H(T('SC1/link/exchange', code, key('mlkem768', kemKey), key('x25519', ephemeralKey), ciphertext))
  const ikm = T('SC1/link/ikm', x25519(ephemeral, ephemeralKey), kemDecapsulate(ciphertext, kemKeys(kemSeed).secretKey), readT(code, label)[5])
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

/** What the answer says, and from which keys it was made. */
export function checkAnswer(vectors, { ephemeralKey, ciphertext, content }, expectedPayload) {
  const { accountSeed, answering, encapsulation } = readDraws(vectors)
  requireEqual(ephemeralKey, x25519PublicKey(answering), 'answering key')
  requireEqual(ciphertext, kemEncapsulate(hex(vectors.kemKey), encapsulation).cipherText, 'KEM ciphertext')
  const [named, accountKey, device, payload, ...more] = readT(content, 'SC1/link/answer')
  requireEqual(more, [], 'surplus')
  requireEqual(named, hex(vectors.account), 'account')
  requireEqual(readKey('ed25519', accountKey), ed25519PublicKey(accountSeed), 'AIK')
  requireEqual(hex(vectors.accountKey), ed25519PublicKey(accountSeed), 'AIK')
  requireEqual(readUint(device), vectors.deviceId, 'device')
  requireEqual(payload, utf8(expectedPayload), 'payload')
}

export function checkDigits(vectors, { transcript, codeKey }) {
  requireEqual(transcript, hex(vectors.transcript), 'transcript')
  const digits = readUint(expand(codeKey, T('SC1/link/code', transcript), 6)) % 1_000_000
  requireEqual(String(digits).padStart(6, '0'), vectors.comparison, 'digits')
}

/** The signature that the confirmation carries, once its tag is found right. */
export function openConfirmation(vectors, { transcript, confirmKey }) {
  const from = cursor(hex(vectors.confirmation))
  requireEqual(from.take(2), Uint8Array.of(1, 1), 'version and suite')
  const [tag, signature] = [from.take(32), from.take(64)]
  from.end()
  requireEqual(tag, h(T('SC1/link/confirm', transcript, signature), confirmKey), 'tag')
  return signature
}
