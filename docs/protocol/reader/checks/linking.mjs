// 13 Linking.
import { hex, requireEqual } from '../bytes.mjs'
import { acceptance } from '../keys.mjs'
import { checkAnswer, checkCode, checkDigits, openAnswer, openConfirmation, readDraws } from '../linking.mjs'
import { ed25519PublicKey, verifySignature, x25519PublicKey } from '../primitives.mjs'

const LABEL = 'SC1/link'

export function* checks(vectors) {
  yield ['code', () => checkCode(vectors, LABEL)]
  const opened = openAnswer(vectors, LABEL)
  yield ['answer', () => checkAnswer(vectors, opened, vectors.payload)]
  yield ['transcript and digits', () => checkDigits(vectors, opened)]
  yield [
    'confirmation',
    () => {
      const { accountSeed, signingSeed, identitySecret } = readDraws(vectors)
      const signature = openConfirmation(vectors, opened)
      requireEqual(signature, hex(vectors.deviceAccept), 'acceptance')
      const signingKey = ed25519PublicKey(signingSeed)
      const keys = { accountKey: ed25519PublicKey(accountSeed), signingKey, identityKey: x25519PublicKey(identitySecret) }
      const account = hex(vectors.account)
      verifySignature(signingKey, acceptance({ account, device: vectors.deviceId, transcript: opened.transcript, ...keys }), signature, 'acceptance')
    },
  ]
}
