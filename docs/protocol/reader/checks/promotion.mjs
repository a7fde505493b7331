// 13 Linking, "Promotion".
import { cursor, hex, key, readT, requireEqual, T, uint, utf8 } from '../bytes.mjs'
import { unpad } from '../envelope.mjs'
import { SUITE } from '../keys.mjs'
import { checkAnswer, checkCode, checkDigits, openAnswer, openConfirmation, readDraws } from '../linking.mjs'
import { aeadOpen, ed25519PublicKey, expand, requireCommitment, verifySignature } from '../primitives.mjs'

const LABEL = 'SC1/promotion'

/** The promoted device's view of what the old primary device hands over. */
function openHandover(vectors, { transcript, confirmKey }, signature) {
  const from = cursor(hex(vectors.handover))
  requireEqual(from.take(2), Uint8Array.of(1, 1), 'version and suite')
  const out = expand(confirmKey, T('SC1/promotion/keys', SUITE, transcript, signature), 88)
  requireCommitment(out.subarray(56), from.take(32))
  return readT(unpad(aeadOpen(out.subarray(0, 32), out.subarray(32, 56), from.rest(), transcript)), 'SC1/promotion/content')
}

export function* checks(vectors) {
  yield ['code', () => checkCode(vectors, LABEL)]
  const opened = openAnswer(vectors, LABEL)
  // The payload of an answer to a promotion code is empty.
  yield ['answer', () => checkAnswer(vectors, opened, '')]
  yield ['transcript and digits', () => checkDigits(vectors, opened)]
  const { accountSeed, signingSeed } = readDraws(vectors)
  const account = hex(vectors.account)
  yield [
    'confirmation',
    () => {
      const signed = T('SC1/promotion/accept', SUITE, account, key('ed25519', ed25519PublicKey(accountSeed)), uint(4, vectors.deviceId), opened.transcript)
      verifySignature(ed25519PublicKey(signingSeed), signed, openConfirmation(vectors, opened), 'promotion')
    },
  ]
  yield [
    'handover',
    () => {
      const expected = [account, accountSeed, utf8(vectors.manifest)]
      requireEqual(openHandover(vectors, opened, openConfirmation(vectors, opened)), expected, 'handover')
    },
  ]
}
